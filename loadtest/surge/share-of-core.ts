// What the services can answer on a share of a core: no generator on the same two cores could find their limit
// otherwise.

import { SETTLE_SECONDS } from '../lib/shapes.ts';
import { questionsOf, SHARES } from '../lib/shares.ts';
import { stairsRate } from './plan.ts';
import { restart } from './restart.ts';
import type { Stage } from './stage.ts';

/** Of a core, for all services together, unless told: so that ten times what it can answer can be asked. */
export const SERVICE_CORES = 0.4;
/** First openings, of all questions that come of them. */
export const QUESTIONS_A_PERSON = questionsOf(SHARES);
const STAIRS_S = 120;

/** All services anew, on their share of a core once they are warm. @param add to the share */
export async function restartLimited(
  stage: Stage,
  add: (pid: number) => void,
  env?: Readonly<Record<string, string>>,
): Promise<void> {
  await restart(stage.rig, env);
  // Starting and compiling, on a tenth of a core, would be all that is measured.
  await stage.warmUp();
  for (const { pid } of stage.rig.services) add(pid);
}

export interface Capacity {
  /** Questions a second on the highest step that held. */
  readonly perS: number;
  /** Whether it was the services that gave way on the next. */
  readonly isFound: boolean;
}

export async function capacityOf(stage: Stage, cores: number): Promise<Capacity> {
  const env = { RATE: String(stairsRate(cores)), SECONDS: String(STAIRS_S) };
  const { ended } = await stage.load({
    ...{ script: 'breakpoint', env },
    seconds: STAIRS_S + SETTLE_SECONDS,
  });
  const { heldPerS = 0, limitedBy } = ended.summary;
  return { perS: heldPerS, isFound: heldPerS > 0 && limitedBy === 'service' };
}
