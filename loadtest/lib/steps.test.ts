import { expect, test } from 'vitest';
import { heldSteps } from './steps.ts';

const stair = { perS: 1_000, seconds: 100, steps: 10 };

/** @param late steps on which too many waited @param busy steps on which the generator had no CPU left */
function held(late: number[], busy: number[], seconds = 129) {
  const threshold = (ok: boolean) => ({ type: '', values: {}, thresholds: { some: { ok } } });
  const steps = Array.from({ length: 10 }, (_, i) => i + 1);
  const metrics = Object.fromEntries(
    steps.flatMap((step) => [
      [`not_good{step:${step}}`, threshold(!late.includes(step))],
      [`generator_cpu_high{step:${step}}`, threshold(!busy.includes(step))],
    ]),
  );
  return heldSteps(stair, { metrics, state: { testRunDurationMs: seconds * 1_000 } });
}

test('the last step before two that were late is what was held', () => {
  expect(held([7, 8], [])).toEqual({ heldStep: 6, heldPerS: 600, limitedBy: 'service' });
  expect(held([7, 8, 10], [])).toMatchObject({ heldStep: 6 });
  expect(held([1, 2], [])).toMatchObject({ heldStep: 0, heldPerS: 0 });
});

test('one slow step below one that held was a pause, and no limit', () => {
  expect(held([5, 8, 9], [])).toMatchObject({ heldStep: 7 });
  expect(held([1, 10], [])).toMatchObject({ heldStep: 9, limitedBy: 'nothing' });
});

test('a generator that had no CPU left on that step is what gave way', () => {
  expect(held([7, 8], [7, 8, 9, 10])).toMatchObject({ heldStep: 6, limitedBy: 'generator' });
  expect(held([7, 8], [8, 9, 10])).toMatchObject({ heldStep: 6, limitedBy: 'service' });
});

test('stairs that held to the top were too low', () => {
  expect(held([], [])).toEqual({ heldStep: 10, heldPerS: 1_000, limitedBy: 'nothing' });
});

test('a step that was not whole has not held', () => {
  expect(held([], [], 65)).toMatchObject({ heldStep: 5, limitedBy: 'nothing' });
});
