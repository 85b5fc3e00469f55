// The relay's composition: its lease, its outboxes, the sweep of tombstones, and the refilling of emptied nodes.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Lease } from './feed/lease.ts';
import { OutboxFeed } from './feed/outbox.ts';
import { pause } from './feed/pause.ts';
import { Relay } from './feed/relay.ts';
import { keepSwept, sweepKeyspaces } from './feed/sweep.ts';
import { warm } from './feed/warm.ts';
import type { Log } from './log.ts';
import { type Reading, reading } from './metrics.ts';
import type { RedisNodes } from './redis/nodes.ts';
import type { Sql } from './source/sql.ts';

export interface RelayServiceParts {
  readonly config: Config;
  readonly nodes: RedisNodes;
  /** The lease must not wait for the feed, nor the feed for what a node missed. */
  readonly sql: { readonly feed: Sql; readonly lease: Sql; readonly replays: Sql };
  readonly clock: Clock;
  readonly log: Log;
}

export interface RelayService {
  readonly relay: Relay;
  readonly readings: readonly Reading[];
  /** Why it could not lead; undefined while it leads or could. */
  notReady(): string | undefined;
  close(): Promise<void>;
}

export function startRelay(parts: RelayServiceParts): RelayService {
  const { config, nodes, sql, clock, log } = parts;
  const ending = new AbortController();
  const outboxOptions = {
    ...config,
    feedChunkRows: config.relayChunkRows,
    feedChangesMax: config.relayChangesMax,
  };
  const refill = new Refill(parts, ending.signal);
  const lease = new Lease(sql.lease, `${hostname()}:${randomUUID()}`, config, clock);
  const relay = new Relay(
    {
      nodes,
      lease,
      outbox: new OutboxFeed(sql.feed, outboxOptions, clock, log),
      replays: new OutboxFeed(sql.replays, outboxOptions, clock, log),
      clock,
      log,
      onEmptied: (node) => refill.add(node),
    },
    config,
  );
  const running = [
    relay.run(ending.signal),
    keepSwept(sql.replays, nodes, config.tombstoneMs, () => relay.leads, ending.signal),
  ];
  const { stats } = relay;
  return {
    relay,
    notReady: () => (nodes.masters.length === 0 ? 'Redis has not been reached' : undefined),
    readings: [
      reading('lookup_relay_leads', '1 while this relay leads', 'gauge', () =>
        relay.leads ? 1 : 0,
      ),
      reading('lookup_relay_term', 'Term of the lease last held', 'gauge', () => lease.term),
      reading('lookup_relay_batches_total', 'Batches appended', 'counter', () => stats.batches),
      reading('lookup_relay_people_total', 'People carried', 'counter', () => stats.people),
      reading('lookup_relay_floors_total', 'Floors carried', 'counter', () => stats.floors),
      reading('lookup_relay_replays_total', 'Nodes replayed', 'counter', () => stats.replays),
      reading(
        'lookup_relay_nodes_emptied_total',
        'Nodes that began anew',
        'counter',
        () => stats.emptied,
      ),
      reading(
        'lookup_relay_nodes_behind',
        'Masters that lack what was delivered',
        'gauge',
        () => relay.behind,
      ),
      reading(
        'lookup_relay_resolved_seconds',
        "Resolved time of the last batch, on the source's clock",
        'gauge',
        () => relay.resolved / 1_000,
      ),
    ],
    async close() {
      ending.abort();
      await Promise.allSettled([...running, refill.done]);
    },
  };
}

/** Fills nodes that began anew, one after the other, beside everything else. */
class Refill {
  done: Promise<void> = Promise.resolve();
  readonly #parts: RelayServiceParts;
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<string>();
  #running = false;

  constructor(parts: RelayServiceParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  add(node: string): void {
    this.#waiting.add(node);
    if (this.#running) return;
    this.#running = true;
    this.done = this.#run();
  }

  async #run(): Promise<void> {
    const { sql, nodes, config, log } = this.#parts;
    // Nodes that are emptied together are filled together.
    await pause(1_000, this.#signal);
    while (this.#waiting.size > 0 && !this.#signal.aborted) {
      const only = new Set(this.#waiting);
      this.#waiting.clear();
      try {
        const emptied = nodes.masters.filter((node) => only.has(node.name));
        await Promise.all(emptied.map((node) => sweepKeyspaces(node, this.#signal)));
        const options = { fenceMs: config.fenceMs, only, perS: config.relayWarmPerS };
        const { people, written } = await warm(sql.replays, nodes, options, this.#signal);
        log.info({ nodes: [...only], people, written }, 'filled again from the source');
      } catch (error) {
        if (this.#signal.aborted) break;
        log.warn({ err: error, nodes: [...only] }, 'could not be filled again yet');
        for (const node of only) this.#waiting.add(node);
        await pause(5_000, this.#signal);
      }
    }
    this.#running = false;
  }
}
