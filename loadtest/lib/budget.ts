// What must hold, as k6's thresholds: each is named by the figure that broke it. A run in which the generator had
// too much to do fails as well, by its own names: dropped_iterations, generator_cpu_high, generator_late.

import type { Threshold } from 'k6/options';
import { settings } from './settings.ts';

export type Budget = Record<string, Threshold[]>;

const { layerShare, allPeople, people, generatorLateShare } = settings;
const { refusedMax, photosRefusedMax, staleMax } = settings;

/** Whatever the load: nobody is told what is not so. */
export const right: Budget = {
  wrong: ['count==0'],
  stale_unmarked: ['count==0'],
  photos_wrong: ['count==0'],
};

/** The figures are the service's, and not the generator's. */
export const honest: Budget = {
  dropped_iterations: ['count==0'],
  generator_late: [`rate<${generatorLateShare}`],
  retries_forgotten: ['count==0'],
  ...(settings.generatorUrl !== '' && { generator_cpu_high: ['rate<0.05'] }),
};

/** Everyone is answered. */
export const answered: Budget = {
  shed: [`count<=${refusedMax}`],
  failed: [`count<=${refusedMax}`],
  gave_up: ['count==0'],
  photos_failed: [`count<=${photosRefusedMax}`],
  photos_shed: [`count<=${photosRefusedMax}`],
  // Right, and yet no city that runs well says so of more than a few.
  stale_marked: [`count<=${staleMax}`],
  ...(allPeople && { people_answered: [`count==${people}`] }),
};

/** And not late, but for one in a hundred. */
export const inTime: Budget = {
  http_in_time: ['rate>=0.99'],
  grpc_in_time: ['rate>=0.99'],
};

/** Changes show. */
export const visible: Budget = {
  visible_in_time: ['rate>=0.99'],
};

/** Memory and Redis both had a part in it. */
export const layered: Budget = {
  from_memory: [`rate>=${layerShare}`],
  from_redis: [`rate>=${layerShare}`],
};

/** They ask nothing of a figure, and make k6 tell it. */
export const STATS = ['avg', 'min', 'max', 'p(50)', 'p(90)', 'p(99)', 'p(99.9)', 'count'];
