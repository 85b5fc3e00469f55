import { expect, test } from 'vitest';
import { keepVersion, versionOf } from './versions.ts';

test('the newest that was told of each is kept, of the last thousand', () => {
  expect(versionOf(1)).toBe(0);
  for (const version of [5, 9, 7]) keepVersion(1, version);
  expect(versionOf(1)).toBe(9);
  for (let index = 2; index <= 1_000; index++) keepVersion(index, index);
  expect(versionOf(1)).toBe(9);
  keepVersion(1, 3);
  keepVersion(1_001, 1);
  expect([versionOf(1), versionOf(2), versionOf(3)]).toEqual([9, 0, 3]);
});
