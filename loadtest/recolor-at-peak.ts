// Question: is everyone told the truth while it changes under the heaviest load? During the peak a district of a tenth
// of the city turns red and back, and single people get another color or another photo. The script knows the schedule
// and not the source: each answer must have been true between its as_of and its arrival, and say so when that is old.
// Some wait for a change with a gate in hand, to see how long it takes to show.

import { answered, honest, inTime, layered, right, visible } from './lib/budget.ts';
import { changesOf } from './lib/changes.ts';
import { journeyOf } from './lib/journey.ts';
import { arrivals, scenariosOf } from './lib/load.ts';
import { optionsOf } from './lib/options.ts';
import { recoloring } from './lib/schedules.ts';
import { settings } from './lib/settings.ts';
import { morning, secondsOf } from './lib/shapes.ts';
import { summaryOf } from './lib/summary.ts';
import { watcherOf } from './lib/watching.ts';

export { generator } from './lib/generator.ts';

/** Who waits for a change: so many begin to in a second, and each is at it for as long as one is late. */
const [WATCHES_PER_S, WATCH_MS] = [1, 7_000];

const shape = morning(settings.rate, settings.seconds);
const schedule = recoloring(settings);
const changes = changesOf(schedule);
const everyS = { from: WATCHES_PER_S, stages: [{ seconds: secondsOf(shape), to: WATCHES_PER_S }] };

export const { phone, reopen, gate, line } = journeyOf({ shape, changes });
export const watch = watcherOf(schedule, changes);
export const options = optionsOf(
  { ...scenariosOf(shape), watch: arrivals('watch', everyS, WATCH_MS) },
  { ...{ ...right, ...answered, ...inTime }, ...{ ...honest, ...layered, ...visible } },
);
export const handleSummary = summaryOf('recolor-at-peak');
