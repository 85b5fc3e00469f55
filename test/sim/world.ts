// The whole system in memory: one source, a Redis Cluster, relays and processes made of the service's own code, and a
// network between them. Every answer is judged by what was true.

import { type Config, configWith } from '../../lookup/config.ts';
import type { Cursor } from '../../lookup/feed/feed.ts';
import { OutboxFeed } from '../../lookup/feed/outbox.ts';
import { GREEN, type Subject } from '../../lookup/health-code.ts';
import { type Log, noLog } from '../../lookup/log.ts';
import { FEED_KEY } from '../../lookup/redis/scripts.ts';
import { placeInto, slotOf, slotOfBucket } from '../../lookup/redis/slots.ts';
import type { Sql } from '../../lookup/source/sql.ts';
import type { Lateness } from './network.ts';
import { SimPostgres, type Transaction } from './postgres.ts';
import { POSTGRES_RULES, type PostgresRules } from './postgres-sql.ts';
import { PROCESS_PARTS, type ProcessParts, SimProcess } from './process.ts';
import { SimRedis, type SimServer } from './redis.ts';
import type { ScriptOf } from './redis-scripts.ts';
import { SimRelay } from './relay.ts';
import { SimTime } from './time.ts';

/** Everything small, so that every bound is met within seconds. */
const SMALL = configWith({
  staleAfterMs: 900,
  graceMs: 60_000,
  fenceMs: 3_000,
  fenceEntriesMax: 16,
  memoryRecordsMax: 3,
  negativeEntriesMax: 3,
  negativeTtlMs: 2_500,
  wholeEntriesMax: 3,
  deadlineGrpcMs: 400,
  sourceTimeoutSoftMs: 40,
  sourceTimeoutHardMs: 250,
  sourceBreakerHalfOpenAfterMs: 300,
  redisTimeoutSoftMs: 40,
  redisTimeoutHardMs: 200,
  redisBreakerHalfOpenAfterMs: 200,
  feedPollMs: 60,
  feedTimeoutMs: 400,
  feedChunkRows: 4,
  feedChangesMax: 16,
  outboxRetentionMs: 4_000,
  feedSilenceMs: 500,
  feedLostMs: 400,
  feedPollLostMs: 250,
  leaseMs: 700,
  feedHeartbeatMs: 200,
  feedBatchesMax: 100,
  relayChunkRows: 3,
  relayChangesMax: 16,
  relayWriteTimeoutMs: 150,
  relayWriteRecordsMax: 2,
  tombstoneMs: 4_000,
});

export interface SimOptions {
  readonly config?: Partial<Config>;
  readonly lateness?: Lateness;
  readonly processes?: number;
  readonly relays?: number;
  /** Whether there is anybody when it begins. */
  readonly people?: boolean;
  readonly parts?: Partial<SimParts>;
}

/** What the system is made of; a test may take one rule away. */
export interface SimParts {
  readonly process: ProcessParts;
  readonly postgres: PostgresRules;
  /** What a relay follows. */
  readonly outbox: typeof OutboxFeed;
  readonly scripts: Readonly<Record<string, ScriptOf>>;
  /** What relays read for nodes that missed something, on its way to them. */
  readonly replays: (sql: Sql) => Sql;
  /** Of relays. */
  readonly log: Log;
}

const SHARDS = 3;
export class SimWorld {
  readonly time: SimTime;
  readonly config: Config & { readonly lateness: { -readonly [K in keyof Lateness]: Lateness[K] } };
  readonly parts: SimParts;
  readonly postgres: SimPostgres;
  readonly redis: SimRedis;
  readonly processes: SimProcess[] = [];
  readonly relays: SimRelay[] = [];
  /** Answers that were judged. */
  judged = 0;
  #fault: unknown;
  #made = 0;

  constructor(seed: number, options: SimOptions = {}) {
    this.time = new SimTime(seed);
    const { lateness = { likely: 0.02, mostMs: 6_000 } } = options;
    this.config = { ...SMALL, ...options.config, lateness: { ...lateness } };
    this.parts = {
      process: PROCESS_PARTS,
      postgres: POSTGRES_RULES,
      outbox: OutboxFeed,
      scripts: {},
      replays: (sql) => sql,
      log: noLog,
      ...options.parts,
    };
    this.postgres = new SimPostgres(this.time, this.parts.postgres.tellsLast);
    this.redis = new SimRedis(this.time, SHARDS, this.parts.scripts);
  }

  /** As a test begins: all of it runs. */
  async start({ processes = 2, relays = 2 }: SimOptions): Promise<void> {
    for (let i = 0; i < relays; i++) this.startRelay();
    await this.pass(400);
    for (let i = 0; i < processes; i++) this.startProcess();
    await this.pass(300);
  }

  startProcess(): SimProcess {
    const process = new SimProcess(this, `process ${++this.#made}`);
    this.processes.push(process);
    return process;
  }

  startRelay(): SimRelay {
    const relay = new SimRelay(this, `relay ${++this.#made}`);
    this.relays.push(relay);
    return relay;
  }

  /** Another in the place of this one. */
  restartProcess(n: number): void {
    const at = n % this.processes.length;
    this.processes[at]?.stop();
    this.processes[at] = new SimProcess(this, `process ${++this.#made}`);
  }

  restartRelay(n: number): void {
    const at = n % this.relays.length;
    this.relays[at]?.stop();
    this.relays[at] = new SimRelay(this, `relay ${++this.#made}`);
  }

  /** @throws what a judge found meanwhile */
  async pass(ms: number): Promise<void> {
    await this.time.pass(ms);
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Whether the feed's last batch knows a token of the source's history. */
  feedKnows(token: string): boolean {
    const { data } = this.redis.masters[this.redis.shardOf(slotOf(FEED_KEY))] as SimServer;
    const about = data.last(FEED_KEY)?.fields.get('about')?.toString() ?? '{}';
    return (JSON.parse(about) as { cursor?: Cursor }).cursor?.token === token;
  }

  fault(error: unknown): void {
    this.#fault ??= error;
  }

  write(work: (t: Transaction) => void): void {
    this.postgres.write(work);
  }

  /** Everything is well again. */
  heal(): void {
    const { postgres, redis } = this;
    for (const t of postgres.open) postgres.commit(t);
    this.config.lateness.likely = 0;
    for (const shard of redis.masters.keys()) redis.resume(shard);
    for (const one of [...this.processes, ...this.relays]) {
      one.setSourceLink('open');
      one.setRedisLinks('open');
    }
  }

  /** Ends all of it. */
  stop(): void {
    for (const one of [...this.processes, ...this.relays]) one.stop();
  }
}

/** Subjects by number, that lie on different nodes. */
export function subjectOn(shard: number, n: number): Subject {
  const place = Buffer.alloc(9);
  for (let i = 0, met = 0; ; i++) {
    const subject = Buffer.from(`${shard}${n}${i}`.padStart(16, '-')).toString('base64url');
    const slot = slotOfBucket(placeInto(place, 0, subject));
    if (Math.floor((slot * SHARDS) / 16_384) === shard && met++ === n) return subject;
  }
}

export const SUBJECTS = [0, 1, 2, 3, 4, 5].map((n) => subjectOn(n % SHARDS, n));
export const AREAS = [1, 2];

/** Some people, and the areas that they are tied to. */
export function populate(world: SimWorld, { people = true }: SimOptions): void {
  world.write((t) => {
    for (const area of AREAS) world.postgres.floor(t, area, GREEN);
    if (!people) return;
    for (const [i, subject] of SUBJECTS.slice(0, 4).entries())
      world.postgres.person(t, subject, GREEN, i % 2 === 0 ? [] : [1]);
  });
}
