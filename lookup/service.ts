// The composition root: source, feed, layers, guards, lookup, edges, in that order. The only file that names concrete
// layers.

import { hostname } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Admission, admissionReadings } from './edge/admission.ts';
import { type GrpcParts, startGrpc } from './edge/grpc.ts';
import { type HttpEdge, startHttp } from './edge/http.ts';
import type { Issuers } from './edge/issuers.ts';
import { startOps } from './edge/ops.ts';
import { Tokens } from './edge/tokens.ts';
import type { Batch, Feed } from './feed/feed.ts';
import { Freshness } from './feed/freshness.ts';
import { applyBatch } from './feed/held.ts';
import { OutboxFeed } from './feed/outbox.ts';
import { PEOPLE_AT_ONCE, partsOf } from './feed/parts.ts';
import { keepSwept } from './feed/sweep.ts';
import { timed } from './feed/timed-source.ts';
import { GuardedSource } from './guards/guarded-source.ts';
import { SingleFlight } from './guards/single-flight.ts';
import type { Answer, Found } from './health-code.ts';
import { BoundedMap } from './layers/bounded-map.ts';
import { Memory } from './layers/memory.ts';
import type { Negative } from './layers/remembered.ts';
import { keepChecked } from './life/check-redis.ts';
import { collectionReadings } from './life/collections.ts';
import { drain } from './life/drain.ts';
import { keepRegistered, reachableAt } from './life/register.ts';
import { keepSourceTime } from './life/source-time.ts';
import { warmUp } from './life/warm-up.ts';
import type { Log } from './log.ts';
import { Lookup } from './lookup.ts';
import { Metrics, type Reading, reading } from './metrics.ts';
import { PhotoAddresses, type PhotoKeys } from './photo/address.ts';
import { Photos } from './photo/photos.ts';
import type { RedisNodes } from './redis/nodes.ts';
import type { Sql } from './source/sql.ts';
import { SqlSource } from './source/sql-source.ts';
import { withRedis } from './with-redis.ts';

/** Of the tokens that are remembered of phones. */
const GATE_TOKENS_SHARE = 10;

export interface ServiceParts {
  readonly config: Config;
  /** Lookups, the feed and the photos each have their own connections, so that none waits for another. */
  readonly sql: { readonly lookups: Sql; readonly feed: Sql; readonly photos: Sql };
  readonly issuers: Issuers;
  readonly photoKeys: PhotoKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly reflect?: GrpcParts['reflect'];
  /** Redis Cluster, when there is one. */
  readonly redis?: RedisNodes;
  /** Runs in this process too, and is told about at its ops port. */
  readonly beside?: {
    readonly readings: readonly Reading[];
    close(): Promise<void>;
  };
}

export interface Service {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly opsPort: number;
  /** The heart, for whoever asks from inside this process. */
  readonly lookup: Lookup;
  /** Resolves once it may answer. */
  readonly ready: Promise<void>;
  drain(): Promise<void>;
}

export async function startService(parts: ServiceParts): Promise<Service> {
  const { config, clock, log, sql } = parts;
  const metrics = new Metrics();

  // Source and feed
  const outbox = new OutboxFeed(sql.feed, config, clock, log);
  const redis = parts.redis && withRedis(parts.redis, outbox, config, clock, log);
  const feed: Feed = redis?.feed ?? outbox;
  let historyToken: string | undefined;
  const source = new SqlSource(sql.lookups, () => historyToken);
  const photoSource = new SqlSource(sql.photos, () => undefined);

  // Layers
  const freshness = new Freshness(config, clock);
  const memory = new Memory(config, freshness.floors);
  memory.onEvict = (subject, version, generation) => {
    if (generation === freshness.generation) freshness.fence.note(subject, version);
  };
  const negatives = new BoundedMap<string, Negative>({ entriesMax: config.negativeEntriesMax });
  const whole = new BoundedMap<string, Found>({ entriesMax: config.wholeEntriesMax });
  const photos = new Photos(photoSource, config, clock);

  // Guards, and the heart
  const guarded = new GuardedSource(timed(source, freshness.clock, clock), config, clock, log);
  const flights = new SingleFlight<Answer>();
  const lookup = new Lookup(
    {
      memory,
      negatives,
      whole,
      layers: redis ? [redis.layer] : [],
      source: guarded,
      freshness,
      flights,
      clock,
    },
    config,
  );

  // Who may ask
  const tokensFor = (audience: 'lookup-http' | 'lookup-gate', tokensMax: number) =>
    new Tokens(parts.issuers, { audience, tokensMax, leewayMs: config.tokenLeewayMs });
  const phones = tokensFor('lookup-http', config.tokensMax);
  // A QR code lives for two minutes and is shown once: remembered for who holds it up again.
  const gates = tokensFor('lookup-gate', Math.ceil(config.tokensMax / GATE_TOKENS_SHARE));

  // Freshness: what a change does to what is held here
  const apply = (batch: Batch) => {
    applyBatch(batch, freshness, { memory, negatives, whole });
    historyToken = batch.cursor.token;
    if (batch.joins === 'new-epoch') phones.memory.clear();
  };
  const following = new AbortController();
  let draining = false;
  let warming = true;
  const floorsKnown = new Promise<void>((resolve) => {
    void follow(feed, following.signal, log, (batch) => {
      apply(batch);
      resolve();
    });
  });
  const ready = floorsKnown.then(async () => {
    if (parts.redis) {
      const warmed = { nodes: parts.redis, memory, freshness, clock };
      const records = await warmUp(warmed, config, following.signal);
      log.info({ records }, 'memory is filled from Redis');
    }
    warming = false;
  });
  if (redis) void keepSourceTime(sql.feed, freshness.clock, clock, following.signal);
  else void keepSwept(sql.feed, undefined, config.tombstoneMs, () => true, following.signal);

  // Edges
  const addresses = new PhotoAddresses(parts.photoKeys, {
    addressMs: config.photoAddressMs,
    clock,
  });
  const admission = new Admission(config, clock);
  admission.onCrowd = (isCrowd, signs) => {
    if (isCrowd) log.warn(signs, 'more ask than there is time for: photos and phones are refused');
    else log.info({ shed: admission.shed }, 'there is time for all who ask again');
  };
  admission.start();
  const shared = { lookup, photos, clock, log, admission };
  const opened: (() => void | Promise<void>)[] = [() => following.abort()];
  const orClose = async <T>(starting: Promise<T>): Promise<T> => {
    try {
      return await starting;
    } catch (error) {
      for (const close of opened) await close();
      throw error;
    }
  };
  const http = await orClose(
    startHttp({ ...shared, addresses, tokens: phones, metrics: metrics.http }, config),
  );
  opened.push(() => http.close());
  const epochAndClock = {
    epoch: () => freshness.epoch,
    nowAtMost: () => freshness.clock.nowAtMost(),
  };
  const grpc = await orClose(
    startGrpc(
      {
        ...shared,
        tokens: gates,
        metrics: metrics.grpc,
        source: epochAndClock,
        ...(parts.reflect ? { reflect: parts.reflect } : {}),
      },
      config,
    ),
  );
  opened.push(() => grpc.close(0));
  const notReady = () => {
    if (draining) return 'draining';
    if (!freshness.started) return 'starting: the floors of the areas are not known yet';
    return warming ? 'starting: memory is being filled from Redis' : undefined;
  };
  const ops = await orClose(startOps({ notReady, metrics }, config));

  metrics.add([
    ...collectionReadings(),
    ...admissionReadings(admission),
    ...(redis?.readings ?? []),
    ...(parts.beside?.readings ?? []),
    reading('lookup_memory_records', 'People held in memory', 'gauge', () => memory.size),
    reading(
      'lookup_memory_evicted_total',
      'People pushed out of memory',
      'counter',
      () => memory.evicted,
    ),
    reading('lookup_negative_entries', 'Absent subjects remembered', 'gauge', () => negatives.size),
    reading(
      'lookup_whole_entries',
      'Answers that the feed has not caught up with',
      'gauge',
      () => whole.size,
    ),
    reading(
      'lookup_fence_entries',
      'Versions that the fence keeps',
      'gauge',
      () => freshness.fence.size,
    ),
    reading('lookup_flights', 'Loads under way', 'gauge', () => flights.size),
    reading(
      'lookup_flights_started_total',
      'Loads started',
      'counter',
      () => lookup.stats.flightsStarted,
    ),
    reading(
      'lookup_flights_joined_total',
      'Callers who shared a load',
      'counter',
      () => lookup.stats.flightsAsked - lookup.stats.flightsStarted,
    ),
    reading(
      'lookup_revalidations_total',
      'Reads behind a stale answer',
      'counter',
      () => lookup.stats.revalidations,
    ),
    reading(
      'lookup_overtaken_total',
      'Reads that raced a change and were read again',
      'counter',
      () => lookup.stats.overtaken,
    ),
    reading(
      'lookup_source_queries_total',
      'Queries to the source',
      'counter',
      () => guarded.stats.queries,
    ),
    reading(
      'lookup_source_subjects_total',
      'People asked of the source',
      'counter',
      () => guarded.stats.subjects,
    ),
    reading(
      'lookup_source_failures_total',
      'Queries that failed',
      'counter',
      () => guarded.stats.failures,
    ),
    reading(
      'lookup_source_queue_full_total',
      'Refused: too many waiting',
      'counter',
      () => guarded.stats.queueFull,
    ),
    reading(
      'lookup_source_timeouts_total',
      'Left the queue unasked, out of time',
      'counter',
      () => guarded.stats.timeouts,
    ),
    reading(
      'lookup_source_breaker_refusals_total',
      'Refused: breaker open',
      'counter',
      () => guarded.stats.breakerRefusals,
    ),
    reading(
      'lookup_source_taken_back_total',
      'Subjects not asked for: Redis, which was late, had them meanwhile',
      'counter',
      () => guarded.stats.takenBack,
    ),
    reading(
      'lookup_source_breaker_open',
      '1 while the circuit breaker is not closed',
      'gauge',
      () => (guarded.breakerState === 'Closed' ? 0 : 1),
    ),
    reading(
      'lookup_source_queries_per_s_max',
      'Budget: queries a second to the source',
      'gauge',
      () => config.sourceQueriesPerS,
    ),
    reading('lookup_source_in_flight', 'Queries under way', 'gauge', () => guarded.inFlight),
    reading('lookup_source_queued', 'People waiting for a query', 'gauge', () => guarded.queued),
    reading(
      'lookup_feed_age_seconds',
      'Age of the resolved time: how far behind this process is',
      'gauge',
      () => freshness.ageMs(freshness.resolved) / 1_000,
    ),
    reading(
      'lookup_feed_resolved_seconds',
      "Resolved time, on the source's clock: all that was committed up to here shows; 0 before the first batch",
      'gauge',
      () => Math.max(0, freshness.resolved) / 1_000,
    ),
    reading('lookup_suspect', '1 while what is held cannot be vouched for', 'gauge', () =>
      freshness.suspect ? 1 : 0,
    ),
    reading(
      'lookup_areas_known',
      'Areas whose floor is known',
      'gauge',
      () => freshness.floors.known,
    ),
  ]);

  const stopChecking = parts.redis && keepChecked(parts.redis, log);
  const leaveList =
    parts.redis &&
    keepRegistered(parts.redis, `${hostname()}:${ops.port}`, () => ({
      role: parts.beside ? 'all' : 'lookup',
      grpc: reachableAt(config.grpcHost, grpc.port),
      http: reachableAt(config.httpHost, http.port),
      ops: reachableAt(config.opsHost, ops.port),
      resolved: freshness.resolved,
      position: redis?.feed.position ?? '',
    }));

  return {
    httpPort: http.port,
    grpcPort: grpc.port,
    opsPort: ops.port,
    lookup,
    ready,
    async drain() {
      draining = true;
      const doors = [
        {
          retire: () => http.retire(),
          finish: (ms: number) => finishHttp(http, ms),
        },
        { retire: () => grpc.retire(), finish: (ms: number) => grpc.close(ms) },
      ];
      const stopFollowing = async () => following.abort();
      stopChecking?.();
      await leaveList?.();
      await drain(
        doors,
        [
          stopFollowing,
          async () => parts.beside?.close(),
          async () => parts.redis?.close(),
          ...[...new Set([sql.lookups, sql.feed, sql.photos])].map((part) => () => part.close()),
        ],
        config,
        log,
      );
      admission.stop();
      await ops.close();
    },
  };
}

/**
 * The feed retries what fails by itself: what is thrown here is a fault of ours, and silence makes the process
 * suspect.
 */
async function follow(
  feed: Feed,
  signal: AbortSignal,
  log: Log,
  apply: (batch: Batch) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const batch of feed.follow(signal)) {
        for (const part of partsOf(batch)) {
          apply(part);
          // Whoever asks meanwhile is served before the next.
          if (part.people.length >= PEOPLE_AT_ONCE) await setImmediate();
        }
      }
    } catch (error) {
      log.error({ err: error }, 'a batch of changes could not be applied: following anew');
    }
  }
}

/** Connections on which nobody waits, or reads a photo, are cut: their next question goes elsewhere. */
async function finishHttp(http: HttpEdge, withinMs: number): Promise<void> {
  http.stopListening();
  const until = performance.now() + withinMs;
  while (http.unfinished > 0 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 5));
  http.close();
}
