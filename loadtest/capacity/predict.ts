// From people to CPU: what one first opening costs with all that it brings with it, and so what a number of processes
// answers. Pure arithmetic; README.md of loadtest/ says what it assumes.

import { PHOTO_BYTES_EVERY } from '../lib/population.ts';
import { questionsOf, SHARES, type Shares } from '../lib/shares.ts';
import type { Costs } from './costs.ts';

/** Where the record is found, of all questions. The rest is read from the source. */
export interface Layers {
  readonly memory: number;
  readonly redis: number;
}

export interface Load {
  readonly shares: Shares;
  /** Photos that are fetched, for each first opening. */
  readonly photo: number;
  readonly layers: Layers;
}

/** As k6's scripts ask. */
export const PHOTO_SHARE = 1 / PHOTO_BYTES_EVERY;

/** Of those whom memory lacks, Redis has all but so many when the city is warm. */
const SOURCE_SHARE = 0.001;

/**
 * The record of anybody is as likely in memory as that of anybody else: nobody routes by person.
 * @param records that a process may hold @param city everybody whose record there is
 */
export function warmLayers(records: number, city: number): Layers {
  const memory = Math.min(1, records / city);
  return { memory, redis: (1 - memory) * (1 - SOURCE_SHARE) };
}

/**
 * CPU microseconds of the services, for one first opening with what goes with it.
 * @param processes a token is remembered by the process that saw it: who opens again meets it once in so many
 */
export function cpuOfOpening({ us }: Costs, load: Load, processes: number): number {
  const { shares, photo, layers } = load;
  const { memory, redis } = layers;
  const verify = Math.max(0, us.httpFirstSeen - us.httpMemory);
  const throughRedis = Math.max(0, us.httpRedis - us.httpMemory);
  const source = Math.max(0, 1 - memory - redis);
  // The source is asked after Redis was.
  const find = (redis + source) * throughRedis + source * us.sourceRead;
  const phones = 1 + shares.reopen;
  const firstSeen = phones - shares.reopen / processes;
  return (
    phones * (us.httpMemory + find) +
    firstSeen * verify +
    // A kiosk reads a token that nobody has seen, a line asks by id.
    shares.gate * (us.grpcUnary + verify + find) +
    shares.line * (us.streamQuestion + find) +
    photo * us.photo
  );
}

export interface Fleet {
  readonly processes: number;
  /** That they may use together; a process uses one at most. */
  readonly cores: number;
  /** Of those cores; 1 unless told: a breakpoint ends where there is no CPU left. */
  readonly utilization?: number;
}

/** @returns questions a second, photos aside, as `held_per_s` of a breakpoint */
export function predictHeld(
  costs: Costs,
  { processes, cores, utilization = 1 }: Fleet,
  load: Load = { shares: SHARES, photo: PHOTO_SHARE, layers: { memory: 1, redis: 0 } },
): number {
  const usable = Math.min(processes, cores) * utilization * 1e6;
  return (usable / cpuOfOpening(costs, load, processes)) * questionsOf(load.shares);
}

/** Of the CPU: from about here on one question in a hundred waits too long. */
const HELD_UTILIZATION = 0.7;

/** As {@link predictHeld}, where questions come one by one, as k6 sends them. */
export const predictBreakpoint = (costs: Costs, fleet: Fleet, load?: Load): number =>
  predictHeld(costs, { utilization: HELD_UTILIZATION, ...fleet }, load) / costs.times.apart;

/** What services cost on the machine, and in the hour, of a run: as measured while they had little to do. */
export interface CostsHere {
  /** Cores that all of them together take with nobody asking. */
  readonly idleCores: number;
  /** CPU microseconds that each question takes more. */
  readonly questionUs: number;
}

/** As {@link predictBreakpoint}, by the run's own costs. */
export const predictHere = ({ idleCores, questionUs }: CostsHere, cores: number): number =>
  ((cores * HELD_UTILIZATION - idleCores) * 1e6) / questionUs;

/** @param openings first ones, a second @returns the least number of processes, of one core each, that answers them */
export function processesFor(
  costs: Costs,
  load: Load,
  openings: number,
  utilization: number,
): number {
  const enough = (processes: number) =>
    openings * cpuOfOpening(costs, load, processes) <= processes * utilization * 1e6;
  // More processes remember fewer tokens each, so it is a little more than a division.
  const least = (openings * cpuOfOpening(costs, load, 1)) / 1e6 / utilization;
  let processes = Math.max(1, Math.floor(least));
  while (!enough(processes)) processes++;
  return processes;
}
