// A line now and then while a load runs: how far it is, and whether it goes well.

import { quantile, type Seconds } from './seconds.ts';
import type { Sample } from './watch.ts';

const EVERY_S = 10;

/** @returns undefined when it is not time for one */
export function statusLine(
  seconds: Seconds,
  samples: readonly Sample[],
  begunMs: number | undefined,
  secondsOfLoad: number,
): string | undefined {
  if (begunMs === undefined) return undefined;
  const at = Math.round((Date.now() - begunMs) / 1_000);
  if (at % EVERY_S !== 0) return undefined;
  const { total } = seconds;
  // The last seconds are not told yet by all who have to tell of them.
  const now = Math.floor(begunMs / 1_000) + at - 3;
  const second = seconds.bySecond.get(now);
  const leftS = Math.max(0, secondsOfLoad - at);
  const bad = total.shed + total.failed + total.wrong + total.unmarked;
  const p99 = second && quantile(second.took.http, 0.99);
  const [before, last] = samples.slice(-2);
  const perS =
    before?.source && last?.source
      ? Math.round(
          ((last.source.queries - before.source.queries) * 1_000) / (last.atMs - before.atMs),
        )
      : '?';
  return [
    `${clock(at)} of ${clock(secondsOfLoad)}, ${clock(leftS)} left`,
    `asked ${total.asked} (${second?.asked ?? 0}/s)`,
    bad === 0 ? 'all answered' : `answered ${((total.answered / total.asked) * 100).toFixed(2)} %`,
    ...(total.wrong + total.unmarked > 0 ? [`WRONG ${total.wrong + total.unmarked}`] : []),
    `phones p99 ${p99?.toFixed(1) ?? '?'} ms`,
    `source ${perS}/s`,
  ].join(' · ');
}

/** 754 -> 12:34 */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
