// How long a change takes to show (k6): somebody waits for the next change of the schedule and asks until it is there.

import { sleep } from 'k6';
import type { Changes, Schedule } from './changes.ts';
import { askGate } from './clients.ts';
import { count, tell } from './counting.ts';
import { figures } from './figures.ts';
import { areasAt, subjectAt } from './population.ts';
import { settings } from './settings.ts';
import { leastOf } from './versions.ts';

/** A pause between two questions, and so how finely it is measured. */
const PAUSE_S = 0.025;
/** Nobody waits for longer than so many times what is allowed. */
const PATIENCE = 3;

export function watcherOf(schedule: Schedule, changes: Changes) {
  const { seed, fromMs, perS, district } = schedule;

  /** One that shows: in a district that turns red nobody sees another color. */
  const shows = (k: number) => {
    const { index, color } = changes.changeAt(k);
    return color === undefined || !areasAt(index, seed).includes(district);
  };

  function nextChange(): number {
    let k = Math.max(0, Math.ceil(((Date.now() - fromMs) * perS) / 1_000));
    while (k < changes.count && !shows(k)) k++;
    return k;
  }

  return function watch(): void {
    const k = nextChange();
    if (k >= changes.count) return;
    const { atMs, index, color, photo } = changes.changeAt(k);
    // Before the schedule begins there is nothing to wait for.
    const waitMs = atMs - Date.now();
    if (waitMs > 2_000) return;
    sleep(Math.max(0, waitMs) / 1_000);
    const subject = subjectAt(index, seed);
    for (;;) {
      const versionLeast = leastOf(index);
      const asked = { door: 'grpc', index, askedMs: Date.now(), versionLeast } as const;
      const answer = askGate({ subject });
      count(answer, asked, changes);
      tell();
      const { ending } = answer;
      const tookMs = Date.now() - atMs;
      const isThere =
        typeof ending !== 'string' &&
        (color === undefined ? ending.photo === photo : ending.color === color);
      if (isThere || tookMs > PATIENCE * settings.changes.visibleMs) {
        figures.visibleMs.add(tookMs);
        figures.visibleInTime.add(isThere && tookMs <= settings.changes.visibleMs);
        return;
      }
      sleep(PAUSE_S);
    }
  };
}
