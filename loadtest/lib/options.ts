import type { Options } from 'k6/options';
import { type Budget, STATS } from './budget.ts';
import { settings } from './settings.ts';

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
  // All of a bunch at once: k6 would send six at a time to one process.
  ...{ batch: settings.bunch, batchPerHost: settings.bunch },
  setupTimeout: '60s',
});
