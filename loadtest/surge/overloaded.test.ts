// Each verdict on an overload, shown to fail.

import { expect, test } from 'vitest';
import type { FloodSecond } from './flood.ts';
import { overloaded } from './overloaded.ts';
import { Seconds } from './seconds.ts';
import type { Loaded } from './stage.ts';

const [BEGINS, ENDS, LAST] = [30, 90, 130];
/** 9.7 ms, and half a second. */
const [QUICK, SLOW] = [106, 152];

interface Run {
  readonly capacities?: { capacity: number; unguarded: number };
  readonly flood?: Partial<FloodSecond>;
  /** Until when ordinary questions are answered slowly, and somebody is refused. */
  readonly recovered?: number;
  /** Of the services, in MB. */
  readonly memoryAfter?: number;
}

/** 100 questions a second held; 900 of a flood, of which 60 are answered, and 50 ordinary ones. */
function run({ capacities, flood = {}, recovered = ENDS, memoryAfter = 100 }: Run = {}) {
  const seconds = new Seconds();
  for (let at = 0; at < LAST; at++) {
    const isOver = at <= ENDS || at > recovered;
    const took = { [isOver ? QUICK : SLOW]: 50 };
    const ends = { answered: 50, ...(isOver ? {} : { shed: 1 }) };
    seconds.add(JSON.stringify({ at, door: 'http', ends, from: {}, took }));
  }
  const samples = Array.from({ length: LAST }, (_, second) => ({
    atMs: second * 1_000,
    services: [new Map([['lookup_resident_bytes', (second > ENDS ? memoryAfter : 100) * 1e6]])],
  }));
  const ordinary = { at: 0, answered: 60, inTime: 60, refused: 840, refusedInTime: 840 };
  const loaded = { ended: { seconds }, samples, fromMs: 0 } as unknown as Loaded;
  return overloaded(
    loaded,
    Array.from({ length: ENDS - BEGINS + 1 }, (_, i) => ({
      ...{ ...ordinary, refusalP99Ms: 20, other: 0, ...flood },
      at: BEGINS + i,
    })),
    capacities ?? { capacity: 100, unguarded: 110 },
  );
}

const brokenOf = (made: Run) =>
  run(made)
    .budgets.filter(({ ok }) => !ok)
    .map(({ name }) => name);

test('an overload that is borne holds', () => {
  expect(brokenOf({})).toEqual([]);
  expect(run().phases).toEqual([{ name: 'flood', fromS: BEGINS, toS: ENDS }]);
});

test.each<[string, Run]>([
  ['admission_cost', { capacities: { capacity: 100, unguarded: 130 } }],
  ['overload_times', { flood: { refused: 700, refusedInTime: 700 } }],
  ['goodput', { flood: { inTime: 30 } }],
  ['refusals_in_time', { flood: { refusedInTime: 830 } }],
  ['recovery_s', { recovered: ENDS + 15 }],
  ['memory_after', { memoryAfter: 140 }],
])('%s fails', (name, made) => {
  expect(brokenOf(made)).toEqual([name]);
});

test('a flood that was answered whole has shown nothing', () => {
  const flood = { answered: 900, inTime: 900, refused: 0, refusedInTime: 0 };
  expect(brokenOf({ flood })).toEqual(['refusals', 'refusals_in_time']);
});

test('who never recovers has no time of recovery', () => {
  expect(brokenOf({ recovered: LAST })).toEqual(['recovery_s']);
});
