// A fleet for a morning: how many of everything, and which settings each process gets. Pure arithmetic.

import { questionsOf, type Shares } from '../lib/shares.ts';
import type { Costs } from './costs.ts';
import { type Load, processesFor } from './predict.ts';
import { BESIDE, leastOfFleet, sourceShare } from './source-share.ts';

export interface Morning {
  readonly people: number;
  /** Within so many, evenly: this is the peak. */
  readonly seconds: number;
  /** Everybody whose record there is. */
  readonly city: number;
  readonly load: Load;
  readonly utilization: number;
  readonly memoryRecords: number;
  readonly redisReplicas: number;
  /** Of one Redis node, for records. */
  readonly redisBytes: number;
  /** Of the whole fleet, as the three below. */
  readonly sourceQueriesPerS: number;
  readonly sourceInFlight: number;
  readonly sourceConnections: number;
  /** How long a phone's connection stays, after its question. */
  readonly keepAliveSeconds: number;
  /** Connections that the proxy keeps to each process. */
  readonly proxyConnections: number;
}

export interface Plan {
  /** A second, at the peak. */
  readonly rates: Readonly<
    Record<'phones' | 'gates' | 'lines' | 'questions' | 'photos' | 'redis' | 'source', number>
  >;
  readonly processes: number;
  /** So many would do if each were busy all the time, and answered many in one turn. */
  readonly processesBusy: number;
  readonly relays: number;
  readonly cores: { readonly services: number; readonly relays: number; readonly redis: number };
  readonly redis: {
    readonly shards: number;
    readonly nodes: number;
    readonly bytesOfShard: number;
  };
  /** Of each process. */
  readonly bytes: number;
  readonly connections: Readonly<Record<'phones' | 'proxy' | 'gates' | 'redis' | 'source', number>>;
  /** Of each process, LOOKUP_… -> value; 0: there is none left for it, and a warning says so. */
  readonly settings: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

export const RELAYS = 2;
/** Redis Cluster wants a majority of masters. */
const SHARDS_LEAST = 3;
/** Defaults of lookup/config.ts, which a share of the fleet's budget never exceeds. */
const [POOL_MOST, TOKENS_MOST, GATE_TOKENS_MOST] = [8, 200_000, 20_000];
const PHOTO_BYTES = 64 * 1024 * 1024;
/** One reads the outbox and holds the lease, others read people for what must be filled. */
const CONNECTIONS_OF_RELAY = 4;
/** A gate asks about somebody every so many seconds. */
export const GATE_EVERY_SECONDS = 3;

export function planOf(costs: Costs, morning: Morning): Plan {
  const { load, utilization, memoryRecords, city } = morning;
  const openings = morning.people / morning.seconds;
  const rates = ratesOf(openings, load);
  // A process that is not to be late is not busy: questions come to it one by one, and each costs more.
  const processes = processesFor(costs, load, openings, utilization / costs.times.apart);
  const redis = redisOf(costs, morning, rates.redis);
  const { settings, warnings } = shared(morning, processes);
  const tokens = tokensOf(morning.people, load.shares, processes);
  return {
    rates,
    ...{ processes, relays: RELAYS, redis },
    processesBusy: processesFor(costs, load, openings, utilization),
    cores: { services: processes, relays: RELAYS, redis: redis.nodes },
    bytes:
      costs.bytes.process +
      costs.bytes.record * Math.min(memoryRecords, city) +
      costs.bytes.token * tokens +
      PHOTO_BYTES,
    connections: {
      phones: Math.round(Math.min(morning.people, rates.phones * morning.keepAliveSeconds)),
      proxy: processes * morning.proxyConnections,
      gates: Math.ceil((rates.gates + rates.lines) * GATE_EVERY_SECONDS),
      // Each has one more for the feed.
      redis: (processes + RELAYS) * (redis.shards + 1),
      source:
        processes * ((settings.LOOKUP_POSTGRES_POOL_MAX ?? 0) + BESIDE) +
        RELAYS * CONNECTIONS_OF_RELAY,
    },
    settings: { ...settings, LOOKUP_MEMORY_RECORDS_MAX: memoryRecords },
    warnings: [...warnings, ...tooMuchForSource(morning, rates.source)],
  };
}

function ratesOf(openings: number, { shares, photo, layers }: Load): Plan['rates'] {
  const questions = openings * questionsOf(shares);
  const source = Math.max(0, 1 - layers.memory - layers.redis);
  return {
    phones: openings * (1 + shares.reopen),
    gates: openings * shares.gate,
    lines: openings * shares.line,
    questions,
    photos: openings * photo,
    // Whoever is read from the source was looked for in Redis.
    redis: questions * (layers.redis + source),
    source: questions * source,
  };
}

/** As many tokens as come to one process, at either of its two edges. */
function tokensOf(people: number, { reopen, gate }: Shares, processes: number): number {
  const at = (count: number, most: number) => Math.min(most, Math.ceil(count / processes));
  return at(people * (1 + reopen), TOKENS_MOST) + at(people * gate, GATE_TOKENS_MOST);
}

function redisOf({ us, bytes }: Costs, morning: Morning, reads: number): Plan['redis'] {
  const { city, utilization, redisBytes, redisReplicas } = morning;
  const records = city * bytes.redisRecord;
  const shards = Math.max(
    SHARDS_LEAST,
    Math.ceil((reads * us.redisRead) / 1e6 / utilization),
    Math.ceil(records / redisBytes),
  );
  return { shards, nodes: shards * (1 + redisReplicas), bytesOfShard: records / shards };
}

/** The fleet's budget, divided: rounded down, so that all together never ask for more. */
function shared(morning: Morning, processes: number) {
  const { sourceQueriesPerS, sourceInFlight, sourceConnections } = morning;
  const connections = sourceConnections - RELAYS * CONNECTIONS_OF_RELAY;
  const fleet = { queriesPerS: sourceQueriesPerS, inFlight: sourceInFlight };
  const share = sourceShare(fleet, processes);
  const least = leastOfFleet(processes);
  const queries = ['--source-queries-per-s', least.queriesPerS] as const;
  const rows = [
    ['LOOKUP_SOURCE_QUERIES_PER_S', share.queriesPerS, ...queries],
    ['LOOKUP_PHOTO_QUERIES_PER_S', share.photoQueriesPerS, ...queries],
    ['LOOKUP_SOURCE_IN_FLIGHT_MAX', share.inFlight, '--source-in-flight', least.inFlight],
    [
      'LOOKUP_POSTGRES_POOL_MAX',
      Math.min(POOL_MOST, connections / processes - BESIDE),
      '--source-connections',
      processes * (1 + BESIDE) + RELAYS * CONNECTIONS_OF_RELAY,
    ],
  ] as const;
  const settings: Record<string, number> = {};
  const warnings: string[] = [];
  for (const [name, exact, option, needed] of rows) {
    settings[name] = Math.max(0, Math.floor(exact));
    if (exact < 1)
      warnings.push(
        `${name}: a process would get ${Math.max(0, exact).toFixed(2)}, and the least is 1: ` +
          `${option} of ${needed} or more is needed`,
      );
  }
  return { settings, warnings };
}

function tooMuchForSource({ sourceQueriesPerS }: Morning, reads: number): string[] {
  if (reads <= sourceQueriesPerS) return [];
  return [
    `source: ${Math.round(reads)} people a second are read, and ${sourceQueriesPerS} queries a second may be asked: ` +
      'only what comes in one turn of a process shares a query, the rest is refused',
  ];
}
