import { expect, test } from 'vitest';
import { scriptColumns } from './columns.ts';
import { Seconds } from './seconds.ts';

/** 11 ms, 85 ms, and more than half a second. */
const [QUICK, LATE_FOR_GATES, SLOW] = [106, 130, 152];

test('late or unanswered is who was refused, failed, or waited longer than at their door', () => {
  const seconds = new Seconds();
  const add = (at: number, door: string, ends: object, took: object) =>
    seconds.add(JSON.stringify({ at, door, ends, from: {}, took }));
  add(10, 'http', { answered: 96, shed: 4 }, { [QUICK]: 90, [LATE_FOR_GATES]: 2, [SLOW]: 4 });
  add(10, 'grpc', { answered: 50, failed: 1 }, { [QUICK]: 49, [LATE_FOR_GATES]: 1 });
  add(10, 'line', { answered: 49 }, { [QUICK]: 49 });
  add(12, 'http', { answered: 1 }, { [QUICK]: 1 });
  const { notGood } = scriptColumns(seconds, 10_000);
  // Four refused, four slow; a failed gate, and one that waited 85 ms; of 200.
  expect(notGood(100, 50)).toEqual([expect.closeTo(5, 9), null, 0]);
});
