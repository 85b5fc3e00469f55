import { expect, test } from 'vitest';
import { predictHere } from '../capacity/predict.ts';
import { costsHere, type Step } from './stair-steps.ts';

/** @param used cores, at 100, 200, 300 questions a second and so on */
const stairs = (...used: number[]): Step[] =>
  used.map((cores, i) => ({ step: i + 1, askedPerS: 100 * (i + 1), latePercent: 0, cores }));

test('what a question costs, and what nobody asking costs, is read off the low steps', () => {
  const here = costsHere(stairs(0.05, 0.08, 0.11, 0.14), 1);
  expect(here?.questionUs).toBeCloseTo(300, 6);
  expect(here?.idleCores).toBeCloseTo(0.02, 9);
});

test('a step on which most of the CPU was used says nothing of it, nor does any after it', () => {
  expect(costsHere(stairs(0.05, 0.08, 0.11, 0.2, 0.2, 0.01), 0.2)?.questionUs).toBeCloseTo(300, 6);
});

test('a step of which nothing was measured ends the low ones', () => {
  expect(costsHere(stairs(0.05, 0.08, 0.11, Number.NaN, 0.2), 1)?.questionUs).toBeCloseTo(300, 6);
});

test('two low steps, or such as do not rise, say nothing', () => {
  expect(costsHere(stairs(0.05, 0.08, 0.2), 0.2)).toBeUndefined();
  expect(costsHere(stairs(0.05, 0.05, 0.05), 1)).toBeUndefined();
});

test('what they say is the limit of twice the cores at about twice the rate', () => {
  const here = { idleCores: 0.02, questionUs: 300 };
  expect(predictHere(here, 0.4)).toBeCloseTo((0.4 * 0.85 - 0.02) / 300e-6, 6);
  expect(predictHere(here, 0.8)).toBeCloseTo((0.8 * 0.85 - 0.02) / 300e-6, 6);
});
