// Question: does everyone get the right answer in time on the morning of ten million, in a city that is warm? Ten
// million people within an hour, of whom three in ten open again within ten minutes, make 10,000,000 x 1.3 / 3,600 s =
// 3,600 phones a second, and gates ask about half of them: 5,000 questions a second on average. README.md has the
// table.

import { answered, honest, inTime, layered, right } from './lib/budget.ts';
import { journeyOf } from './lib/journey.ts';
import { scenariosOf } from './lib/load.ts';
import { optionsOf } from './lib/options.ts';
import { settings } from './lib/settings.ts';
import { morning } from './lib/shapes.ts';
import { summaryOf } from './lib/summary.ts';

export { generator } from './lib/generator.ts';

const shape = morning(settings.rate, settings.seconds);
export const { phone, reopen, gate, line } = journeyOf({ shape });
export const options = optionsOf(scenariosOf(shape), {
  ...{ ...right, ...answered, ...inTime },
  ...{ ...honest, ...layered },
});
export const handleSummary = summaryOf('morning-surge');
