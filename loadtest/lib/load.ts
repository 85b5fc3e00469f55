// A shape and the shares of who does what, as k6's scenarios: arrivals at given rates, whoever waits for whom.

import type { Options, RampingArrivalRateScenario } from 'k6/options';
import { LINE_QUESTIONS } from './journey.ts';
import { settings } from './settings.ts';
import { peakOf, type Shape, times } from './shapes.ts';
import { type Shares, sharesOf } from './shares.ts';

/** Of this run. */
export const SHARES = sharesOf(settings.gates);

/** k6 takes whole numbers only. */
const UNIT_SECONDS = 100;
/** At least so many are there, however small the rate: a pause of the machine must not be a lost arrival. */
const USERS_LEAST = 20;
/** Who looks at the generator itself, once a second. Each user that is there is memory that k6 walks through. */
const WATCHERS = 10;

/**
 * @param exec name of what the script exports
 * @param busyMs for how long an arrival keeps a virtual user busy
 * @param usersLeast besides those
 */
export function arrivals(
  exec: string,
  shape: Shape,
  busyMs: number,
  usersLeast = USERS_LEAST,
): RampingArrivalRateScenario {
  const { from, stages } = shape;
  const perUnit = (rate: number) => Math.round(rate * UNIT_SECONDS);
  return {
    executor: 'ramping-arrival-rate',
    exec,
    timeUnit: `${UNIT_SECONDS}s`,
    startRate: perUnit(from),
    stages: stages.map(({ seconds, to }) => ({
      duration: `${Math.round(seconds * 1_000)}ms`,
      target: perUnit(to),
    })),
    preAllocatedVUs: usersLeast + Math.ceil((peakOf(shape) * busyMs) / 1_000),
    gracefulStop: '5s',
  };
}

type Scenarios = NonNullable<Options['scenarios']>;

export function scenariosOf(shape: Shape, shares: Shares = SHARES): Scenarios {
  const { busyMs, bunch, generatorUrl } = settings;
  const { reopen, gate, line } = shares;
  return {
    phone: arrivals('phone', times(shape, 1 / bunch), busyMs),
    ...(reopen > 0 && { reopen: arrivals('reopen', times(shape, reopen / bunch), busyMs) }),
    ...(gate > 0 && { gate: arrivals('gate', times(shape, gate), busyMs) }),
    ...(line > 0 && { line: arrivals('line', times(shape, line / LINE_QUESTIONS), busyMs) }),
    ...(generatorUrl !== '' && {
      generator: arrivals('generator', watching(shape), 0, WATCHERS),
    }),
  };
}

/** Once a second, as long as the load lasts. */
const watching = ({ stages }: Shape): Shape => ({
  from: 1,
  stages: stages.map(({ seconds }) => ({ seconds, to: 1 })),
});
