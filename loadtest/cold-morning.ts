// Question: is the morning survived by a city that knows nothing yet? Everything was released, restarted and emptied at
// six; between six and nine a few people come, and then all of them. The same budgets as in a warm one. The runner
// empties and restarts, and reads from the services' own counts when memory and Redis answered 95 in 100.

import { answered, honest, inTime, layered, right } from './lib/budget.ts';
import { journeyOf } from './lib/journey.ts';
import { scenariosOf } from './lib/load.ts';
import { optionsOf } from './lib/options.ts';
import { settings } from './lib/settings.ts';
import { fromSix } from './lib/shapes.ts';
import { summaryOf } from './lib/summary.ts';

export { generator } from './lib/generator.ts';

const shape = fromSix(settings.rate, settings.seconds);
export const { phone, reopen, gate, line } = journeyOf({ shape });
export const options = optionsOf(scenariosOf(shape), {
  ...{ ...right, ...answered, ...inTime },
  ...{ ...honest, ...layered },
});
export const handleSummary = summaryOf('cold-morning');
