// A process that answers, made of the service's own parts as service.ts joins them, over machines in memory. Each
// answer is judged when it is given.

import type { Batch } from '../../lookup/feed/feed.ts';
import { FollowingFeed } from '../../lookup/feed/following.ts';
import { Freshness, type FreshnessOptions } from '../../lookup/feed/freshness.ts';
import { applyBatch, type Held } from '../../lookup/feed/held.ts';
import { OutboxFeed } from '../../lookup/feed/outbox.ts';
import { RedisStream } from '../../lookup/feed/redis-stream.ts';
import { timed } from '../../lookup/feed/timed-source.ts';
import { GuardedCalls } from '../../lookup/guards/guarded-calls.ts';
import { GuardedSource } from '../../lookup/guards/guarded-source.ts';
import { SingleFlight } from '../../lookup/guards/single-flight.ts';
import type { Answer, Found, Subject } from '../../lookup/health-code.ts';
import { BoundedMap } from '../../lookup/layers/bounded-map.ts';
import type { Layer } from '../../lookup/layers/layer.ts';
import { Memory } from '../../lookup/layers/memory.ts';
import { RedisLayer } from '../../lookup/layers/redis.ts';
import type { Negative } from '../../lookup/layers/remembered.ts';
import { keepSourceTime } from '../../lookup/life/source-time.ts';
import { noLog } from '../../lookup/log.ts';
import { Lookup } from '../../lookup/lookup.ts';
import type { RedisNode } from '../../lookup/redis/nodes.ts';
import { SqlSource } from '../../lookup/source/sql-source.ts';
import { judge, WrongAnswerError } from './judge.ts';
import { Link, type LinkState } from './network.ts';
import { SimSql } from './postgres-sql.ts';
import { SimRedisView } from './redis.ts';
import { SimClock } from './time.ts';
import type { SimWorld } from './world.ts';

/** What a process may be made of in place of the service's own parts: a rule less. */
export interface ProcessParts {
  readonly freshness: (options: FreshnessOptions, clock: SimClock) => Freshness;
  readonly stream: (stream: RedisStream) => Pick<RedisStream, 'position' | 'follow'>;
  readonly layer: (layer: Layer, freshness: Freshness) => Layer;
  readonly batch: (batch: Batch, clock: SimClock) => Batch;
  readonly held: (held: Held) => Held;
  /** Whether what memory has no room for goes to the fence. */
  readonly notesEvicted: boolean;
}

export const PROCESS_PARTS: ProcessParts = {
  freshness: (options, clock) => new Freshness(options, clock),
  stream: (stream) => stream,
  layer: (layer) => layer,
  batch: (batch) => batch,
  held: (held) => held,
  notesEvicted: true,
};

export class SimProcess {
  readonly name: string;
  readonly clock: SimClock;
  readonly redis: SimRedisView;
  readonly freshness: Freshness;
  readonly memory: Memory;
  readonly feed: FollowingFeed;
  readonly lookup: Lookup;
  readonly sql: SimSql;
  /** Answers given, newest last. */
  readonly given: { readonly subject: Subject; readonly answer: Answer }[] = [];
  readonly #world: SimWorld;
  readonly #sourceLink: Link;
  readonly #ending = new AbortController();
  #asleep = false;
  readonly #newest = new Map<Subject, { readonly version: number; readonly losses: number }>();

  constructor(world: SimWorld, name: string) {
    const { time, config } = world;
    const parts = world.parts.process;
    this.#world = world;
    this.name = name;
    const clock = new SimClock(time);
    this.clock = clock;
    this.#sourceLink = new Link(time, config.lateness);
    this.redis = new SimRedisView(world.redis, time, config.lateness);
    this.sql = new SimSql(world.postgres, time, this.#sourceLink, world.parts.postgres);
    const outbox = new OutboxFeed(this.sql, config, clock, noLog);
    const stream = parts.stream(new RedisStream(this.redis, config));
    this.feed = new FollowingFeed(stream, outbox, config, clock, noLog);
    const freshness = parts.freshness(config, clock);
    this.freshness = freshness;
    const memory = new Memory(config, freshness.floors);
    this.memory = memory;
    memory.onEvict = (subject, version, generation) => {
      if (generation === freshness.generation && parts.notesEvicted)
        freshness.fence.note(subject, version);
    };
    const negatives = new BoundedMap<string, Negative>({ entriesMax: config.negativeEntriesMax });
    const whole = new BoundedMap<string, Found>({ entriesMax: config.wholeEntriesMax });
    let historyToken: string | undefined;
    const source = timed(new SqlSource(this.sql, () => historyToken), freshness.clock, clock);
    const guards = new Map<string, GuardedCalls>();
    const guardOf = ({ name: of }: RedisNode) => {
      const guard = guards.get(of) ?? new GuardedCalls(of, config, noLog);
      guards.set(of, guard);
      return guard;
    };
    const layer = parts.layer(new RedisLayer(this.redis, guardOf, config), freshness);
    this.lookup = new Lookup(
      {
        ...{ memory, negatives, whole, freshness, clock },
        layers: [layer],
        source: new GuardedSource(source, config, clock, noLog),
        flights: new SingleFlight<Answer>(),
      },
      config,
    );
    const held = parts.held({ memory, negatives, whole });
    void this.#follow((batch) => {
      applyBatch(parts.batch(batch, clock), freshness, held);
      historyToken = batch.cursor.token;
    });
    void keepSourceTime(this.sql, freshness.clock, clock, this.#ending.signal);
  }

  async #follow(apply: (batch: Batch) => void): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        for await (const batch of this.feed.follow(signal)) apply(batch);
      } catch (error) {
        this.#world.fault(error);
        return;
      }
    }
  }

  /** Its machine sleeps: nothing comes or goes, nobody is answered, and its monotonic clock does not count. */
  sleep(ms: number): void {
    const { time } = this.#world;
    if (this.#asleep) return;
    this.clock.sleep(ms);
    this.setSourceLink('silent');
    this.setRedisLinks('silent');
    this.#asleep = true;
    time.after(ms, () => {
      this.#asleep = false;
      this.setSourceLink('open');
      this.setRedisLinks('open');
    });
  }

  setSourceLink(state: LinkState): void {
    if (!this.#asleep && !this.#ending.signal.aborted) this.#sourceLink.state = state;
  }

  setRedisLinks(state: LinkState, shard?: number): void {
    if (!this.#asleep && !this.#ending.signal.aborted) this.redis.setLinks(state, shard);
  }

  /** As {@link Link.takesMs}. */
  setSourceTakesMs(ms: number | undefined): void {
    this.#sourceLink.takesMs = ms;
  }

  stop(): void {
    this.#ending.abort();
    void this.redis.close();
    this.#sourceLink.state = 'cut';
  }

  /** @param minAsOf as `lookup_mark()` told it to a writer, of this source */
  async ask(subject: Subject, minAsOf = -Infinity): Promise<Answer> {
    const { config } = this.#world;
    if (this.#asleep) return { outcome: 'shed' };
    const deadline = this.clock.monoMs() + config.deadlineGrpcMs;
    const answer = await this.lookup.find(subject, deadline, minAsOf);
    // A memory hit reads its photo when it is asked for, in the same turn.
    const settled = answer.outcome === 'found' ? { ...answer, photo: answer.photo } : answer;
    if (this.#ending.signal.aborted || this.#asleep) return settled;
    this.given.push({ subject, answer: settled });
    try {
      const trusts = this.freshness.clock.trustedAtLastAge;
      judge(this.#world, this.name, subject, settled, { minAsOf, trusts });
      if (settled.outcome === 'found') this.#judgeOrder(subject, settled);
    } catch (error) {
      this.#world.fault(error);
    }
    return settled;
  }

  /** Versions of another history cannot be compared. */
  #judgeOrder(subject: Subject, { version, asOf }: Found): void {
    const { postgres } = this.#world;
    const since = postgres.whenFirst(asOf) ?? 0;
    // Of a clock that was set it is not known which history is meant.
    if (postgres.setAt > since) return;
    const losses = postgres.lossesBy(since);
    const newest = this.#newest.get(subject);
    if (newest?.losses === losses && newest.version > version)
      throw new WrongAnswerError(`${this.name}: ${subject} is ${version} after ${newest.version}`);
    if (!newest || newest.losses <= losses) this.#newest.set(subject, { version, losses });
  }
}
