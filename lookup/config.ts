// Every number: its name with the unit, its default, and why. Read once from the environment, checked, frozen.

import { readFileSync } from 'node:fs';

type Kind = 'text' | 'secret' | 'file' | 'port' | 'count' | 'ms' | 'bytes' | 'choice';

interface Setting {
  readonly kind: Kind;
  readonly default: string | number | undefined;
  readonly meaning: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
}

const text = (fallback: string, meaning: string) =>
  ({ kind: 'text', default: fallback, meaning }) as const;
const secret = (meaning: string) => ({ kind: 'secret', default: undefined, meaning }) as const;
const file = (meaning: string) => ({ kind: 'file', default: undefined, meaning }) as const;
const port = (fallback: number, meaning: string) =>
  ({ kind: 'port', default: fallback, min: 0, max: 65_535, meaning }) as const;
const count = (fallback: number, meaning: string, min = 1, max = 1e9) =>
  ({ kind: 'count', default: fallback, min, max, meaning }) as const;
const ms = (fallback: number, meaning: string, min = 1, max = 7 * 86_400_000) =>
  ({ kind: 'ms', default: fallback, min, max, meaning }) as const;
const bytes = (fallback: number, meaning: string, min = 1, max = 2 ** 40) =>
  ({ kind: 'bytes', default: fallback, min, max, meaning }) as const;

export const SETTINGS = {
  httpHost: text(
    '127.0.0.1',
    "address the phones' edge listens on; a proxy that ends TLS stands before it",
  ),
  httpPort: port(8080, "port of the phones' edge; 0 takes a free one"),
  grpcHost: text(
    '127.0.0.1',
    "address the gates' edge listens on; loopback only, until it has mutual TLS",
  ),
  grpcPort: port(9090, "port of the gates' edge; 0 takes a free one"),
  opsHost: text('127.0.0.1', 'address of /livez, /readyz and /metrics'),
  opsPort: port(9100, 'port of /livez, /readyz and /metrics; 0 takes a free one'),
  logLevel: {
    kind: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    meaning: 'least level that is logged',
  },

  issuersFile: file('JSON: the front ends whose tokens are accepted, each with its JWKS'),
  photoKeysFile: file('JSON: the live keys that sign photo addresses'),
  postgresUrl: secret('the source of truth; without it only the demo runs, on its embedded one'),
  dataDir: text('data', 'where the embedded source keeps its files'),

  deadlineHttpMs: ms(300, 'after this a phone is answered "deadline passed"'),
  deadlineGrpcMs: ms(200, 'after this a gate is, unless it asked for less'),
  staleAfterMs: ms(2_000, 'an answer older than this is marked stale', 100),
  graceMs: ms(3_600_000, "an answer older than this is not given at all: the city's policy", 1_000),
  fenceMs: ms(
    30_000,
    'how long the versions of recent changes are kept, so that no late fill undoes one',
    1_000,
  ),
  fenceEntriesMax: count(
    1_000_000,
    'versions the fence keeps; past that it forgets the older half, and reads begun before are not kept',
    16,
  ),

  memoryRecordsMax: count(
    1_000_000,
    'people held in memory; about 140 bytes each; a Map above 8.3 million entries may throw',
    1,
    8_300_000,
  ),
  negativeEntriesMax: count(
    50_000,
    'absent subjects remembered, in a cache of their own: enumeration pushes nobody out',
    1,
    8_300_000,
  ),
  negativeTtlMs: ms(60_000, 'how long one is remembered at most; a change drops it at once'),
  wholeEntriesMax: count(20_000, 'answers kept that the feed has not caught up with', 1, 8_300_000),
  tokensMax: count(
    200_000,
    "phones' tokens remembered, and a tenth as many of gates; at most 750 bytes each, outside the heap",
    1,
    8_300_000,
  ),
  tokenLeewayMs: ms(5_000, "by how much issuers' clocks may differ from ours", 0, 60_000),

  postgresConnectTimeoutMs: ms(1_000, 'a connection that takes longer is given up'),
  postgresPoolMax: count(
    8,
    'connections for lookups; the feed and the photos have one and two of their own',
    1,
    100,
  ),
  sourceTimeoutSoftMs: ms(
    60,
    'wait no longer for the source when something within grace is remembered',
  ),
  sourceTimeoutHardMs: ms(180, 'wait no longer for the source, full stop'),
  sourceQueriesPerS: count(
    500,
    'budget: queries a second to the source, whatever the demand',
    1,
    100_000,
  ),
  sourceInFlightMax: count(8, 'bulkhead: queries at once to the source', 1, 100),
  sourceBatchMax: count(256, 'subjects in one query', 1, 10_000),
  sourceQueueMax: count(
    4_096,
    'subjects that wait for a query; further ones are told "unavailable" at once',
  ),
  sourceBreakerFailures: count(5, 'failures in a row that open the circuit breaker', 1, 1_000),
  sourceBreakerHalfOpenAfterMs: ms(1_000, 'how long it refuses before it tries again'),

  layerAheadMs: ms(60, 'how long a record that is ahead of this process waits for the feed'),
  revalidationsPerS: count(500, 'reads a second behind stale answers', 1, 1_000_000),

  feedPollMs: ms(50, 'pause between two reads of the outbox', 5, 10_000),
  feedTimeoutMs: ms(5_000, 'wait no longer for one read of the outbox, then connect anew'),
  feedChunkRows: count(10_000, 'rows of the outbox read at once', 1, 1_000_000),
  feedChangesMax: count(
    1_000_000,
    'changes of one transaction held until all are there; past that what is held is checked again by version',
    16,
  ),
  outboxRetentionMs: ms(
    3_600_000,
    'how long the outbox is kept for a reader that was away',
    10_000,
  ),

  redisUrl: secret(
    'Redis Cluster: redis://[user:password@]host:port[,host:port…], or rediss:// for TLS; without it there is none',
  ),
  redisCaFile: file(
    "PEM of the authority that signed Redis's certificates; without it the system's",
  ),
  redisConnectTimeoutMs: ms(1_000, 'a connection that takes longer is given up'),
  redisSocketTimeoutMs: ms(1_000, 'a connection that owes an answer for this long is given up'),
  redisTimeoutSoftMs: ms(50, 'ask the source as well after this, while Redis may still answer'),
  redisTimeoutHardMs: ms(150, 'wait no longer for Redis, full stop'),
  redisBatchMax: count(128, 'people in one call to a node', 1, 4_096),
  redisQueueMax: count(4_096, 'people who wait for one node; further ones are a miss', 1),
  redisInFlightMax: count(64, 'calls under way to one node; further ones are a miss', 1, 10_000),
  redisBreakerFailures: count(5, 'failures in a row that open the breaker of a node', 1, 1_000),
  redisBreakerHalfOpenAfterMs: ms(500, 'how long it refuses before it tries again'),
  redisWarmMs: ms(20_000, 'how long a starting process fills its memory from Redis at most', 0),

  feedSilenceMs: ms(1_000, 'silence on the feed after which its connection is made anew'),
  feedLostMs: ms(1_000, 'Redis away for so long: the outbox is read instead'),
  feedPollLostMs: ms(500, 'pause between two reads of the outbox then: every process does it'),
  leaseMs: ms(2_000, 'how long a relay leads without renewing; the standby takes over after', 400),
  feedHeartbeatMs: ms(250, 'at least so often the feed says how far it is'),
  feedBatchesMax: count(4_000, 'batches kept on the feed for a process that was away', 100),
  relayChunkRows: count(2_000, 'changes in one message of the feed', 1, 20_000),
  relayChangesMax: count(
    20_000,
    'changes that come together with a floor in one transaction; past that what is held is checked again by version',
    16,
  ),
  relayWriteTimeoutMs: ms(500, 'a node that takes longer to write is left behind for now'),
  relayWriteRecordsMax: count(1_000, 'records in one call to a node', 1, 5_000),
  relayWarmPerS: count(20_000, 'people a second with whom the relay fills a node that was emptied'),
  tombstoneMs: ms(86_400_000, 'how long an erased person is known as erased', 1_000),

  photoMemoryBytesMax: bytes(64 * 1024 * 1024, 'photos held in memory'),
  photoQueriesPerS: count(
    200,
    'budget: photos read from the source a second; more wait for half of their time',
    1,
    100_000,
  ),
  photoInFlightMax: count(64, 'photos waited for at once; further ones are shed', 1, 10_000),
  photoTimeoutMs: ms(1_000, 'wait no longer for a photo'),
  photoAddressMs: ms(3_600_000, 'a photo address is valid for one to two times this', 60_000),

  admissionDelayMs: ms(
    15,
    'event-loop delay that begins a crowd when it stands: photos are shed, then phones, then gates',
  ),
  admissionStallMs: ms(500, 'a pause after which what waited meanwhile is dropped unserved'),
  subjectPerS: count(5, 'requests a second of one person, in the long run', 1, 100_000),
  subjectBurst: count(20, 'requests of one person at once', 1, 100_000),
  httpInFlightMax: count(5_000, "phones' requests waiting at once; further ones are shed"),
  grpcInFlightMax: count(10_000, "gates' questions waiting at once; further ones are shed"),
  grpcMessageBytesMax: bytes(65_536, 'largest message a gate may send', 1_024, 4 * 1024 * 1024),
  streamQuestionsMax: count(64, 'questions in one message of a stream', 1, 10_000),
  streamInFlightMax: count(1_024, 'questions in flight on one stream', 1, 100_000),

  drainWaitMs: ms(
    5_000,
    'how long it goes on serving, unready, until balancers have noticed',
    0,
    600_000,
  ),
  drainTimeoutMs: ms(
    10_000,
    'how long requests in flight may take to finish after that',
    0,
    600_000,
  ),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

type Value<S extends Setting> = S['kind'] extends 'port' | 'count' | 'ms' | 'bytes'
  ? number
  : S['kind'] extends 'secret' | 'file'
    ? string | undefined
    : string;

export type Config = { readonly [N in SettingName]: Value<(typeof SETTINGS)[N]> };

/** Wrong settings, all of them, each with its name, its value and what is allowed. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `httpPort` -> `LOOKUP_HTTP_PORT` */
export function envName(name: SettingName): string {
  return `LOOKUP_${name.replaceAll(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
}

export function unitOf(name: SettingName): string {
  const { kind } = SETTINGS[name];
  return kind === 'ms' || kind === 'bytes' || kind === 'count' ? kind : '';
}

function allowed(setting: Setting): string {
  if (setting.choices) return `one of ${setting.choices.join(', ')}`;
  return `a whole number from ${setting.min} to ${setting.max}${setting.kind === 'ms' ? ' (milliseconds)' : ''}`;
}

function parse(
  env: string,
  setting: Setting,
  raw: string,
  problems: string[],
): string | number | undefined {
  if (setting.kind === 'text' || setting.kind === 'file' || setting.kind === 'secret') return raw;
  if (setting.choices?.includes(raw)) return raw;
  const value = /^\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
  if (
    !setting.choices &&
    value >= (setting.min ?? 0) &&
    value <= (setting.max ?? Number.MAX_SAFE_INTEGER)
  )
    return value;
  problems.push(`${env}=${raw}: must be ${allowed(setting)}`);
  return undefined;
}

function readSecretFile(env: string, path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    problems.push(`${env}=${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}

/** What an environment says, right or wrong. */
export interface InspectedConfig {
  /** Undefined where nothing is set and there is no default, or where the value is wrong. */
  readonly values: Readonly<Record<SettingName, string | number | undefined>>;
  /** Every wrong value, misspelled name and broken relation; the relations only when all values are right. */
  readonly problems: readonly string[];
}

/** Reads `LOOKUP_…` variables; each secret may come as `…_FILE` instead. */
export function inspectConfig(env: Record<string, string | undefined>): InspectedConfig {
  const problems: string[] = [];
  const known = new Set<string>();
  const values: Record<string, string | number | undefined> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const setting: Setting = SETTINGS[name];
    const variable = envName(name);
    known.add(variable);
    let raw = env[variable];
    if (setting.kind === 'secret') {
      known.add(`${variable}_FILE`);
      const path = env[`${variable}_FILE`];
      if (path && raw) problems.push(`${variable} and ${variable}_FILE are both set: choose one`);
      if (path && !raw) raw = readSecretFile(`${variable}_FILE`, path, problems);
    }
    values[name] =
      raw === undefined || raw === '' ? setting.default : parse(variable, setting, raw, problems);
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('LOOKUP_') && !known.has(name)) problems.push(misspelled(name, known));
  }
  if (problems.length === 0) problems.push(...brokenRelations(values as unknown as Config));
  return { values: values as InspectedConfig['values'], problems };
}

/**
 * As {@link inspectConfig}, for whoever needs all of it right.
 * @throws ConfigError naming every problem
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const { values, problems } = inspectConfig(env);
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as unknown as Config;
}

/** The same defaults without an environment, for tests and tools. */
export function configWith(overrides: Partial<Config>): Config {
  return Object.freeze({ ...readConfig({}), ...overrides });
}

/** Pairs that must stand in this order, and why. */
const RELATIONS: readonly [SettingName, SettingName, string][] = [
  [
    'sourceTimeoutSoftMs',
    'sourceTimeoutHardMs',
    'a stale answer is given before the wait is given up',
  ],
  [
    'sourceTimeoutHardMs',
    'deadlineGrpcMs',
    'a caller hears "unavailable" before its deadline, not after',
  ],
  [
    'sourceTimeoutHardMs',
    'deadlineHttpMs',
    'a caller hears "unavailable" before its deadline, not after',
  ],
  ['staleAfterMs', 'graceMs', 'an answer is marked stale before it is withheld'],
  ['feedHeartbeatMs', 'feedSilenceMs', 'else every pause between two heartbeats looks like a loss'],
  ['feedSilenceMs', 'staleAfterMs', 'a dead connection is found before its answers are stale'],
  ['feedPollLostMs', 'staleAfterMs', 'else every answer is stale while Redis is away'],
  ['redisTimeoutSoftMs', 'redisTimeoutHardMs', 'the source is asked before Redis is given up'],
  [
    'redisTimeoutHardMs',
    'deadlineGrpcMs',
    'a caller hears "unavailable" before its deadline, not after',
  ],
  [
    'redisTimeoutHardMs',
    'deadlineHttpMs',
    'a caller hears "unavailable" before its deadline, not after',
  ],
  [
    'fenceMs',
    'tombstoneMs',
    'an erased person is known as erased for longer than a fill may be late',
  ],
  ['feedPollMs', 'staleAfterMs', 'else every answer is stale between two reads of the outbox'],
  ['staleAfterMs', 'fenceMs', 'the fence must outlast what may be served unmarked'],
  ['sourceBreakerHalfOpenAfterMs', 'graceMs', 'the source is tried again before grace is over'],
  ['fenceMs', 'outboxRetentionMs', 'a reader may be away for as long as a fence lasts'],
];

function brokenRelations(config: Config): string[] {
  return RELATIONS.filter(
    ([less, more]) => (config[less] as number) >= (config[more] as number),
  ).map(
    ([less, more, why]) =>
      `${envName(less)}=${config[less]} must be less than ${envName(more)}=${config[more]}: ${why}`,
  );
}

function misspelled(name: string, known: ReadonlySet<string>): string {
  let best = '';
  let least = 6;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return `${name}: no such setting${best ? `; did you mean ${best}?` : ''} (see "lookup config")`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
