// How far the source's clock is ahead of ours, by a round trip of our own: a batch on the feed was read by somebody
// else, and does not say how long it was under way.

import type { Clock } from '../clock.ts';
import { pause } from '../feed/pause.ts';
import type { SourceClock } from '../feed/source-clock.ts';
import { abortedAfter } from '../guards/timeout.ts';
import type { Sql, Statement } from '../source/sql.ts';

const NOW: Statement = {
  name: 'source-time',
  text: 'select floor(extract(epoch from now()) * 1000)::text as now',
};
const EVERY_MS = 5_000;
const UNKNOWN_EVERY_MS = 250;
const TIMEOUT_MS = 2_000;

/** Asks until the signal aborts: often while it is not known, seldom after. */
export async function keepSourceTime(
  sql: Sql,
  sourceClock: SourceClock,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const asked = clock.monoMs();
    try {
      const ask = (within: AbortSignal) => sql.query<{ now: string }>(NOW, [], within);
      const [row] = await abortedAfter(TIMEOUT_MS, ask, signal);
      if (row) sourceClock.observe(Number(row.now), asked);
    } catch {
      // Until it answers, what is known grows older.
    }
    // Not one sleep: a clock that is stepped meanwhile must be asked about at once.
    for (let slept = 0; slept < EVERY_MS && sourceClock.trusted && !signal.aborted; ) {
      await pause(UNKNOWN_EVERY_MS, signal);
      slept += UNKNOWN_EVERY_MS;
    }
    if (!sourceClock.trusted) await pause(UNKNOWN_EVERY_MS, signal);
  }
}
