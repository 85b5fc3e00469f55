// Question: do the parts fit together? Everyone who takes part in a morning does so for a few seconds, at a rate that
// no machine is too small for, and every answer is judged. It says nothing about speed.

import { answered, honest, right } from './lib/budget.ts';
import { journeyOf } from './lib/journey.ts';
import { scenariosOf } from './lib/load.ts';
import { optionsOf } from './lib/options.ts';
import { CHECKSUM, checksum } from './lib/population.ts';
import { settings } from './lib/settings.ts';
import { steady } from './lib/shapes.ts';
import { summaryOf } from './lib/summary.ts';

export { generator } from './lib/generator.ts';

const shape = steady(settings.rate, settings.seconds);
export const { phone, reopen, gate, line } = journeyOf({ shape });
export const options = optionsOf(scenariosOf(shape), { ...right, ...answered, ...honest });
export const handleSummary = summaryOf('smoke');

/** The engine that asks must know the same people as the one that made them. */
export function setup(): void {
  const sum = checksum(1_000, 1);
  if (sum !== CHECKSUM) throw new Error(`another formula of people: ${sum} and not ${CHECKSUM}`);
}
