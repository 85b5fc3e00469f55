// The schedules of the scenarios that change something, from what a run is told: the runner makes the changes from the
// same words that the script judges by. Imports nothing.

import type { Schedule } from './changes.ts';

/** Of settings.ts, or of the runner. */
export interface ScheduleWords {
  readonly people: number;
  readonly seed: number;
  readonly seconds: number;
  readonly changes: { readonly fromMs: number; readonly perS: number; readonly lateMs: number };
}

/** The largest area: a tenth of the city. */
const DISTRICT = 1;
/** Anybody. */
const HOT = 0;

const common = ({ people, seed, seconds, changes }: ScheduleWords) => {
  if (changes.fromMs === 0)
    throw new Error('CHANGES_FROM_MS is not set, so nothing changes: see loadtest/README.md');
  const { fromMs, lateMs } = changes;
  return { people, seed, seconds, fromMs, lateMs };
};

/** A district turns red and back; single people get another color or another photo. */
export const recoloring = (words: ScheduleWords): Schedule => ({
  ...common(words),
  perS: words.changes.perS,
  district: DISTRICT,
  hot: -1,
});

/** One person gets another color and another photo every second, and nobody else does. */
export const oneHot = (words: ScheduleWords): Schedule => ({
  ...common(words),
  perS: 0,
  district: 0,
  hot: HOT,
});
