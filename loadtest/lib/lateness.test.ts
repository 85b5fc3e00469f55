import { expect, test } from 'vitest';
import { lateness } from './lateness.ts';

test('who waited in the generator is late, and is not when the wait is over', () => {
  const late = lateness();
  expect([3, 40, 500, 4].map(late)).toEqual([0, 37, 497, 1]);
});

test('those who were never sent are late once, and not for ever', () => {
  const late = lateness();
  late(2);
  const after = Array.from({ length: 20 }, () => late(1_002));
  expect(after[0]).toBe(1_000);
  expect(after.at(-1)).toBe(0);
});
