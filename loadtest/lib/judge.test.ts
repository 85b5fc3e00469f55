import { expect, test } from 'vitest';
import { judge } from './judge.ts';

const TOLD = { color: 1, photo: 'theirs', asOfMs: 99_000, isStale: false, version: 7 };
const EXPECTED = {
  allowed: { colors: [1], photos: [undefined] },
  photo: 'theirs',
  ...{ askedMs: 100_000, arrivedMs: 100_050, freshMs: 2_000, clockMs: 2, versionLeast: 7 },
};

test.each([
  ['right', 'as it is', {}, {}],
  ['wrong', 'another color', { color: 2 }, {}],
  ['wrong', 'no color that is known', { color: 0 }, {}],
  ['wrong', 'another photo', { photo: 'another' }, {}],
  ['wrong', 'no photo', { photo: undefined }, {}],
  ['wrong', 'an older version than before', { version: 6 }, {}],
  ['wrong', 'a version that is none', { version: Number.NaN }, {}],
  ['right', 'no version, as phones are told', { version: undefined }, {}],
  ['right', 'just as old as it may be', { asOfMs: 97_998 }, {}],
  ['unmarked', 'too old', { asOfMs: 97_997 }, {}],
  ['right', 'too old, and saying so', { asOfMs: 97_997, isStale: true }, {}],
  ['unmarked', 'of no time', { asOfMs: Number.NaN }, {}],
  ['right', 'of a time by a clock that is a little ahead', { asOfMs: 100_052 }, {}],
  ['unmarked', 'of a time that has not come', { asOfMs: 100_053 }, {}],
  ['right', 'their new photo', { photo: 'new' }, { allowed: { colors: [1], photos: ['new'] } }],
  ['wrong', 'their photo of before', {}, { allowed: { colors: [1], photos: ['new'] } }],
] as const)('%s: %s', (verdict, _, told, expected) => {
  expect(judge({ ...TOLD, ...told }, { ...EXPECTED, ...expected })).toBe(verdict);
});
