// The steps of a breakpoint: how many questions each is, and which of them held. Imports formulas only.

import { SETTLE_SECONDS } from './shapes.ts';
import type { Data } from './summary-data.ts';

export interface Stair {
  /** Questions a second on the last step. */
  readonly perS: number;
  readonly seconds: number;
  readonly steps: number;
}

/** Of the questions of a step: more than these, unanswered or late, and it did not hold. */
export const LATE_SHARE = 0.01;
/** One step that did not hold was a pause of the machine or of a collector, where a higher one held. */
const GIVEN_UP = 2;

/** @param step from 1 */
export const questionsOfStep = ({ perS, seconds, steps }: Stair, step: number): number =>
  ((perS * step) / steps) * (seconds / steps);

export interface Held {
  /** The last step that held, in whole, before {@link GIVEN_UP} in a row that did not; 0: none. */
  readonly heldStep: number;
  /** Questions a second there. */
  readonly heldPerS: number;
  /**
   * What gave way on the next ones; `nothing`: the stairs were too low, or ended too soon. Virtual users run out, and
   * arrivals are late, whichever of the two is slow: what tells them apart is whether the generator had CPU left.
   */
  readonly limitedBy: 'service' | 'generator' | 'nothing';
}

export function heldSteps(stair: Stair, { metrics, state }: Pick<Data, 'metrics' | 'state'>): Held {
  const { perS, seconds, steps } = stair;
  const onStairs = state.testRunDurationMs / 1_000 - SETTLE_SECONDS;
  const whole = Math.min(steps, Math.floor((onStairs / seconds) * steps));
  const holds = (name: string) =>
    Object.values(metrics[name]?.thresholds ?? {}).every(({ ok }) => ok);
  const isHeld = (step: number) => step <= whole && holds(`not_good{step:${step}}`);
  let heldStep = 0;
  for (let step = 1; step <= heldStep + GIVEN_UP; step++) if (isHeld(step)) heldStep = step;
  const gaveWay = holds(`generator_cpu_high{step:${heldStep + 1}}`) ? 'service' : 'generator';
  return {
    heldStep,
    heldPerS: Math.round((perS * heldStep) / steps),
    limitedBy: heldStep + GIVEN_UP <= whole ? gaveWay : 'nothing',
  };
}
