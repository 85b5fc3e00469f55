import type { Outcome } from './scenarios.ts';
import type { Stage } from './stage.ts';

export async function overload(_stage: Stage): Promise<Outcome> {
  throw new Error('not yet');
}
