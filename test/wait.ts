import { setTimeout as pause } from 'node:timers/promises';

export interface UntilOptions {
  /** What is waited for: the error begins with it. */
  readonly what: string;
  /** Gives up after this. */
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  /** Why it can no longer happen: then the wait is over at once. */
  readonly hopeless?: () => string | undefined;
}

/**
 * Waits for a condition: the first value that is neither false, null nor undefined. A throw counts as "not yet".
 * @throws after `timeoutMs` (5 s unless told), or when it is hopeless
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeoutMs = 5_000, everyMs = 10, hopeless }: UntilOptions,
): Promise<NonNullable<Exclude<T, false>>> {
  const begun = performance.now();
  while (true) {
    // Asked before the look: what happened last still counts.
    const reason = hopeless?.();
    let cause: unknown;
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined)
        return value as NonNullable<Exclude<T, false>>;
    } catch (error) {
      cause = error;
    }
    if (reason !== undefined) throw new Error(`${what}: ${reason}`, { cause });
    if (performance.now() - begun > timeoutMs)
      throw new Error(`${what}: not within ${timeoutMs} ms`, { cause });
    await pause(everyMs);
  }
}
