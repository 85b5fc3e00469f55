// Question: does it stay as it is? Half of what it can carry, for an hour: memory, descriptors and latency must be
// flat, which the runner reads from the processes; here every answer is judged for as long.

import { answered, honest, inTime, layered, right } from './lib/budget.ts';
import { journeyOf } from './lib/journey.ts';
import { scenariosOf } from './lib/load.ts';
import { optionsOf } from './lib/options.ts';
import { settings } from './lib/settings.ts';
import { steady } from './lib/shapes.ts';
import { summaryOf } from './lib/summary.ts';

export { generator } from './lib/generator.ts';

const shape = steady(settings.rate, settings.seconds);
export const { phone, reopen, gate, line } = journeyOf({ shape });
export const options = optionsOf(scenariosOf(shape), {
  ...{ ...right, ...answered, ...inTime },
  ...{ ...honest, ...layered },
});
export const handleSummary = summaryOf('soak');
