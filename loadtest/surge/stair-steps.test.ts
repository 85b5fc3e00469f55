import { expect, test } from 'vitest';
import { predictHere } from '../capacity/predict.ts';
import type { Plan } from './plan.ts';
import { Seconds } from './seconds.ts';
import type { Loaded } from './stage.ts';
import { costsHere, type Step, stepsOf } from './stair-steps.ts';

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
  const steps = stairs(0.05, 0.08, 0.11, 0.2);
  const unasked = { ...(steps[3] as Step), askedPerS: Number.NaN };
  expect(costsHere([...steps.slice(0, 3), unasked], 1)?.questionUs).toBeCloseTo(300, 6);
});

test('two low steps, or such as do not rise, say nothing', () => {
  expect(costsHere(stairs(0.05, 0.08, 0.2), 0.2)).toBeUndefined();
  expect(costsHere(stairs(0.05, 0.05, 0.05), 1)).toBeUndefined();
});

test('the limit is where seven tenths of the CPU are used, whatever nobody asking takes of them', () => {
  // 0.28 cores less 0.01, of which each question takes 300 us.
  expect(predictHere({ idleCores: 0.01, questionUs: 300 }, 0.4)).toBeCloseTo(900, 6);
  expect(predictHere({ idleCores: 0, questionUs: 300 }, 0.9)).toBeCloseTo(2_100, 6);
});

test('a step is told by whole seconds, though it does not begin with one', () => {
  const plan = { seconds: 90 } as Plan;
  const seconds = new Seconds();
  for (let at = 1_000; at < 1_100; at++)
    seconds.add(JSON.stringify({ at, door: 'http', ends: { answered: 100 }, from: {}, took: {} }));
  // Half a core, a look a second.
  const samples = Array.from({ length: 100 }, (_, i) => ({
    atMs: (1_000 + i) * 1_000 + 300,
    cpuS: { services: i / 2 },
  }));
  const metrics = { 'not_good{step:2}': { type: 'counter', values: { count: 8 } } };
  const ended = { seconds, summary: { metrics } };
  const loaded = { ended, samples, fromMs: 1_000_000 } as unknown as Loaded;
  const steps = stepsOf(loaded, plan);
  expect(steps).toHaveLength(20);
  for (const { askedPerS, cores } of steps) expect([askedPerS, cores]).toEqual([100, 0.5]);
  // Of four or five seconds of them.
  expect(steps.map(({ latePercent }) => latePercent > 0).indexOf(true)).toBe(1);
  expect(steps[1]?.latePercent).toBeCloseTo(2, 9);
});
