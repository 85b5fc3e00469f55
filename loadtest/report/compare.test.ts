import { expect, test } from 'vitest';
import { compare } from './compare.ts';
import type { Figure, Result } from './result.ts';
import { sampleResult } from './sample.ts';

const withFigure = (value: number, better?: Figure['better']) =>
  sampleResult({ figures: [{ name: 'a', value, unit: 'ms', ...(better && { better }) }] });

function differenceOf(now: Result, before: Result) {
  return compare(now, before)?.differences[0];
}

test('only runs of the same scenario at the same scale compare', () => {
  const now = sampleResult();
  expect(compare(now, sampleResult({ scale: 'short' }))).toBeUndefined();
  expect(compare(now, sampleResult({ scenario: 'soak' }))).toBeUndefined();
  expect(compare(now, now)?.differences.every(({ verdict }) => verdict === 'same')).toBe(true);
});

test.each([
  [111, 100, 'less', 'worse'],
  [111, 100, 'more', 'better'],
  [89, 100, 'less', 'better'],
  [89, 100, 'more', 'worse'],
  [111, 100, undefined, 'other'],
  [110, 100, 'less', 'same'],
  [90, 100, 'more', 'same'],
  [-120, -100, 'less', 'better'],
  [0, 0, 'less', 'same'],
] as const)('%d after %d, where %s is better, is %s', (now, before, better, verdict) => {
  expect(differenceOf(withFigure(now, better), withFigure(before, better))).toMatchObject({
    verdict,
  });
});

test('a difference is told in percent of before, but of nothing there is none', () => {
  expect(differenceOf(withFigure(150), withFigure(100))?.percent).toBe(50);
  const first = differenceOf(withFigure(3, 'less'), withFigure(0, 'less'));
  expect(first).toEqual({ name: 'a', unit: 'ms', now: 3, before: 0, verdict: 'worse' });
  expect(differenceOf(withFigure(3), sampleResult())?.verdict).toBe('new');
});

test('budgets that broke since, or hold again, are named; a new budget is neither', () => {
  const [shed, wrong, late] = ['shed', 'wrong', 'late'].map((name) => ({
    ...{ name, asked: '', found: '', meaning: '' },
  })) as [object, object, object];
  const result = (...budgets: object[]) => sampleResult({ budgets: budgets as Result['budgets'] });
  const now = result({ ...shed, ok: false }, { ...wrong, ok: true }, { ...late, ok: false });
  const before = result({ ...shed, ok: true }, { ...wrong, ok: false });
  expect(compare(now, before)).toMatchObject({ brokenNow: ['shed'], heldAgain: ['wrong'] });
});

test('settings and machines that differ are told, as the figures compare less then', () => {
  const now = sampleResult({ settings: { people: 100_000, rate: 5 }, machine: { cores: '2' } });
  const before = sampleResult({ settings: { people: 5_000, seed: 1 }, machine: { cores: '2' } });
  expect(compare(now, before)?.conditions).toEqual([
    { name: 'people', now: '100,000', before: '5,000' },
    { name: 'rate', now: '5', before: 'none' },
    { name: 'seed', now: 'none', before: '1' },
  ]);
});
