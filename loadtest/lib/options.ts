import type { Options } from 'k6/options';
import { type Budget, STATS } from './budget.ts';

/** What all scripts have in common; each metric and tag that is left out is generator CPU that is left. */
export const optionsOf = (
  scenarios: NonNullable<Options['scenarios']>,
  budget: Budget,
): Options => ({
  scenarios,
  thresholds: budget,
  summaryTrendStats: STATS,
  systemTags: ['scenario', 'name', 'status'],
  noCookiesReset: true,
  setupTimeout: '60s',
});
