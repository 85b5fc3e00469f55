import { expect, test } from 'vitest';
import { keepVersion, leastOf } from './versions.ts';

test('the newest that was told of each is kept, of the last thousand', () => {
  expect(leastOf(1)).toBe(1);
  for (const version of [5, 9, 7]) keepVersion(1, version);
  expect(leastOf(1)).toBe(9);
  for (let index = 2; index <= 1_000; index++) keepVersion(index, index);
  expect(leastOf(1)).toBe(9);
  keepVersion(1, 3);
  keepVersion(1_001, 1);
  expect([leastOf(1), leastOf(2), leastOf(3)]).toEqual([9, 1, 3]);
});
