import type { Log } from '../log.ts';

/** One thing that answers callers. */
export interface Door {
  /** Says, in its own protocol, that callers should go elsewhere; goes on answering. */
  retire(): void;
  /** Accepts nothing new; ends when what is under way has been answered, or at the time given. */
  finish(withinMs: number): Promise<void>;
}

export interface DrainOptions {
  readonly drainWaitMs: number;
  readonly drainTimeoutMs: number;
}

/**
 * Leaves without dropping a request: unready, wait for balancers to notice, accept nothing new, finish, and only then
 * close what the answers came from, outermost first.
 */
export async function drain(
  doors: readonly Door[],
  layers: readonly (() => Promise<void>)[],
  options: DrainOptions,
  log: Log,
): Promise<void> {
  log.info({ wait_ms: options.drainWaitMs }, 'draining: not ready any more');
  for (const door of doors) door.retire();
  await new Promise((resolve) => setTimeout(resolve, options.drainWaitMs));
  await Promise.all(doors.map((door) => door.finish(options.drainTimeoutMs)));
  for (const close of layers) await close();
  log.info('drained');
}
