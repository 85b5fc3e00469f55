// Question: does one person whom all ask about cost the others anything? Three in ten of all questions, by gates, are
// about one person who gets another color and another photo every second. The budgets are everybody else's; the runner
// compares their p99 with a run that has nobody hot (HOT_SHARE=0). Run it with 0 and with 0.3, at the same rate.

import { answered, honest, inTime, layered, right } from './lib/budget.ts';
import { changesOf } from './lib/changes.ts';
import { journeyOf } from './lib/journey.ts';
import { scenariosOf } from './lib/load.ts';
import { optionsOf } from './lib/options.ts';
import { oneHot } from './lib/schedules.ts';
import { settings } from './lib/settings.ts';
import { steady } from './lib/shapes.ts';
import { questionsOf } from './lib/shares.ts';
import { summaryOf } from './lib/summary.ts';

export { generator } from './lib/generator.ts';

/** More gates than elsewhere: a phone asks about its owner only. */
const SHARES = { reopen: 0.3, gate: 0.2, line: 1 };
const byGates = (SHARES.gate + SHARES.line) / questionsOf(SHARES);

const shape = steady(settings.rate, settings.seconds);
const schedule = oneHot(settings);
const hot = { index: schedule.hot, share: settings.hotShare / byGates };

export const { phone, reopen, gate, line } = journeyOf({
  ...{ shape, hot },
  changes: changesOf(schedule),
});
export const options = optionsOf(scenariosOf(shape, SHARES), {
  ...{ ...right, ...answered, ...inTime },
  ...{ ...honest, ...layered },
});
export const handleSummary = summaryOf('hot-key');
