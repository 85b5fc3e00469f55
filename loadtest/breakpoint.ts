// Question: what is the highest rate within budget? The rate goes up in steps; the last one before two on which one
// in a hundred is not answered in time is the breakpoint. When the generator gives way first, the summary says
// so, and the figure is the generator's. A threshold that breaks is what this run looks for: exit code 99 is its
// usual end. It goes on to the top all the same: k6 1.8 hangs when it is aborted while streams are open.

import exec from 'k6/execution';
import { right } from './lib/budget.ts';
import { generator as lookAtGenerator } from './lib/generator.ts';
import { journeyOf } from './lib/journey.ts';
import { SHARES, scenariosOf } from './lib/load.ts';
import { optionsOf } from './lib/options.ts';
import { settings } from './lib/settings.ts';
import { SETTLE_SECONDS, stairs } from './lib/shapes.ts';
import { questionsOf } from './lib/shares.ts';
import { heldSteps, LATE_SHARE, questionsOfStep } from './lib/steps.ts';
import { summaryOf } from './lib/summary.ts';

const { rate, seconds, steps, generatorUrl } = settings;
const shape = stairs(rate, seconds, steps);
const stair = { perS: rate * questionsOf(SHARES), seconds, steps };

/** Each figure of an arrival belongs to the step in which it came; 0: while all settle. */
function inStep(visit: () => void): () => void {
  return () => {
    const at = (Date.now() - exec.scenario.startTime) / 1_000 - SETTLE_SECONDS;
    exec.vu.metrics.tags.step = String(Math.max(0, Math.floor((at * steps) / seconds) + 1));
    visit();
  };
}

const journey = journeyOf({ shape });
export const phone = inStep(journey.phone);
export const reopen = inStep(journey.reopen);
export const gate = inStep(journey.gate);
export const line = inStep(journey.line);
export const generator = inStep(lookAtGenerator);

const byStep = Array.from({ length: steps }, (_, i) => {
  const most = Math.ceil(questionsOfStep(stair, i + 1) * LATE_SHARE);
  return {
    [`not_good{step:${i + 1}}`]: [`count<=${most}`],
    ...(generatorUrl !== '' && { [`generator_cpu_high{step:${i + 1}}`]: ['rate<0.5'] }),
  };
});

export const options = optionsOf(scenariosOf(shape), {
  ...right,
  ...Object.assign({}, ...byStep),
});
export const handleSummary = summaryOf('breakpoint', (data) => heldSteps(stair, data));
