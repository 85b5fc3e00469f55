// What each step of a breakpoint showed, and what its lowest ones say of what a question costs here.

import type { CostsHere } from '../capacity/predict.ts';
import { SETTLE_SECONDS } from '../lib/shapes.ts';
import { usedOf } from './figures.ts';
import { mean } from './mean.ts';
import { type Plan, STEPS } from './plan.ts';
import type { Loaded } from './stage.ts';

export interface Step {
  /** From 1. */
  readonly step: number;
  /** Questions, counted; not a number where there were none. */
  readonly askedPerS: number;
  /** Of them: unanswered, or late. */
  readonly latePercent: number;
  /** That the services used; not a number where it was not measured. */
  readonly cores: number;
}

export function stepsOf({ ended, samples, fromMs }: Loaded, { seconds }: Plan): Step[] {
  const length = seconds / STEPS;
  return Array.from({ length: STEPS }, (_, i) => {
    const from = fromMs / 1_000 + SETTLE_SECONDS + i * length;
    const within = (at: number) => at >= from && at < from + length;
    const rows = [...ended.seconds.bySecond].filter(([at]) => within(at));
    const asked = rows.reduce((sum, [, row]) => sum + row.asked, 0);
    // Seconds are whole, and steps may not be.
    const askedPerS = asked / rows.length;
    const late = ended.summary.metrics[`not_good{step:${i + 1}}`]?.values.count ?? 0;
    const looks = samples.filter(({ atMs }) => within(atMs / 1_000));
    const [first, last] = [looks[0], looks.at(-1)];
    const lookedS = first && last ? (last.atMs - first.atMs) / 1_000 : 0;
    return {
      ...{ step: i + 1, askedPerS },
      latePercent: (late / Math.max(1, asked)) * 100,
      cores: usedOf(looks, 'services') / lookedS,
    };
  });
}

/** Of the CPU that there is: up to here a step is a low one, and says nothing of the limit that is looked for. */
const LOW_UTILIZATION = 0.6;
const LOW_STEPS_LEAST = 3;

/**
 * The line that lies nearest to the low steps.
 * @returns undefined: they are too few, or do not rise
 */
export function costsHere(steps: readonly Step[], cores: number): CostsHere | undefined {
  const isLow = (step: Step) => step.askedPerS > 0 && step.cores <= cores * LOW_UTILIZATION;
  const high = steps.findIndex((step) => !isLow(step));
  const low = high < 0 ? steps : steps.slice(0, high);
  if (low.length < LOW_STEPS_LEAST) return undefined;
  const [rate, used] = [mean(low.map((one) => one.askedPerS)), mean(low.map((one) => one.cores))];
  const sum = (of: (step: Step) => number) => low.reduce((all, step) => all + of(step), 0);
  const slope =
    sum((one) => (one.askedPerS - rate) * (one.cores - used)) /
    sum((one) => (one.askedPerS - rate) ** 2);
  if (!(slope > 0)) return undefined;
  return { questionUs: slope * 1e6, idleCores: Math.max(0, used - slope * rate) };
}
