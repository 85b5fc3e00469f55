// Each verdict on an overload, shown to fail.

import { expect, test } from 'vitest';
import type { FloodSecond } from './flood.ts';
import { type Capacities, floodPlots, overloaded, refusedInTimePercent } from './overloaded.ts';
import { Seconds } from './seconds.ts';
import type { Loaded } from './stage.ts';

const CAPACITIES = { capacity: 100, unguarded: 110, areFound: true };
const [FIRST, BEGINS, ENDS, LAST] = [10, 30, 90, 130];
const SECOND: FloodSecond = {
  ...{ at: 0, answered: 60, inTime: 60, other: 0 },
  ...{ refused: 1_000, refusedInTime: 1_000, refusalP99Ms: 20, ownLateMs: 0 },
};
/** 9.7 ms, and half a second. */
const [QUICK, SLOW] = [106, 152];

interface Run {
  readonly capacities?: Capacities;
  readonly flood?: Partial<FloodSecond>;
  /** Until when ordinary questions are answered slowly, and somebody is refused. */
  readonly recovered?: number;
  /** Of the services, in MB; 100 before the first flood. */
  readonly memoryAfter?: number;
  /** After the first flood. */
  readonly memoryBetween?: number;
  /** Of 20 a second, while the flood is there. */
  readonly gatesAnswered?: number;
  /** Whether the ordinary questions of phones are refused, and soon, while it is there. */
  readonly refusesPhones?: boolean;
}

/** 100 questions a second held; 1,060 of a flood, of which 60 are answered, and 50 ordinary ones, 20 by gates. */
function run(made: Run = {}) {
  const { capacities = CAPACITIES, flood = {}, recovered = ENDS } = made;
  const {
    memoryAfter = 100,
    memoryBetween = 100,
    gatesAnswered = 20,
    refusesPhones = false,
  } = made;
  const seconds = new Seconds();
  const add = (at: number, door: string, ends: object, took: object) =>
    seconds.add(JSON.stringify({ at, door, ends, from: {}, took }));
  for (let at = 0; at < LAST; at++) {
    const isFlood = at >= BEGINS && at <= ENDS;
    const isOver = at <= ENDS || at > recovered;
    if (isFlood && refusesPhones) add(at, 'http', { shed: 30 }, {});
    else
      add(
        at,
        'http',
        { answered: 30, ...(!isOver && { shed: 1 }) },
        { [isOver ? QUICK : SLOW]: 30 },
      );
    const gates = isFlood ? gatesAnswered : 20;
    add(at, 'grpc', { answered: gates, shed: 20 - gates }, { [QUICK]: gates });
  }
  const memory = (second: number) => {
    if (second > ENDS) return memoryAfter;
    return second > FIRST ? memoryBetween : 100;
  };
  const samples = Array.from({ length: LAST }, (_, second) => ({
    atMs: second * 1_000,
    services: [new Map([['lookup_memory_bytes', memory(second) * 1e6]])],
  }));
  const loaded = { ended: { seconds }, samples, fromMs: 0 } as unknown as Loaded;
  const judged = Array.from({ length: ENDS - BEGINS + 1 }, (_, i) => ({
    ...{ ...SECOND, ...flood },
    at: BEGINS + i,
  }));
  return overloaded(loaded, { first: [{ ...SECOND, at: FIRST }], judged }, capacities);
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
  [
    'admission_cost',
    {
      capacities: { ...CAPACITIES, unguarded: 130 },
      flood: { refused: 1_200, refusedInTime: 1_200 },
    },
  ],
  ['capacity_found', { capacities: { ...CAPACITIES, areFound: false } }],
  ['overload_times', { flood: { refused: 700, refusedInTime: 700 } }],
  ['goodput', { flood: { inTime: 30 } }],
  ['goodput', { refusesPhones: true }],
  ['refusals_in_time', { flood: { refusedInTime: 980 } }],
  ['flood_failed', { flood: { other: 2 } }],
  ['gates_as_before', { flood: { inTime: 90 }, gatesAnswered: 10 }],
  ['recovery_s', { recovered: ENDS + 15 }],
  ['memory_after', { memoryAfter: 140 }],
  ['memory_after', { memoryAfter: Number.NaN }],
  ['memory_after', { memoryBetween: 135, memoryAfter: 140 }],
])('%s fails', (name, made) => {
  expect(brokenOf(made)).toEqual([name]);
});

test('a flood that was answered whole has shown nothing', () => {
  const flood = { answered: 1_060, inTime: 1_060, refused: 0, refusedInTime: 0 };
  expect(brokenOf({ flood })).toEqual(['refusals', 'refusals_in_time']);
});

test('who never recovers has no time of recovery', () => {
  expect(brokenOf({ recovered: LAST })).toEqual(['recovery_s']);
});

test('nothing is drawn between the two floods, nor the time of refusals that were not', () => {
  const first = [{ ...SECOND, at: 101 }];
  const judged = [{ ...SECOND, at: 141, refused: 0, refusalP99Ms: 0 }];
  const [counts, times] = floodPlots({ first, judged }, 100_400);
  expect(counts?.at).toEqual([1, 1, 41]);
  expect(counts?.series[0]).toEqual({ label: 'refused', values: [1_000, null, 0] });
  expect(times?.series[0]?.values).toEqual([20, null, null]);
});

test('refusals in time are of all refusals, and none of none', () => {
  expect(refusedInTimePercent([{ ...SECOND, refusedInTime: 750 }])).toBe(75);
  expect(refusedInTimePercent([])).toBe(0);
});
