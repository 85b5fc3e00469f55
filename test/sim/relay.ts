// A relay made of the service's own parts, over machines in memory.

import { Lease } from '../../lookup/feed/lease.ts';
import { OutboxFeed } from '../../lookup/feed/outbox.ts';
import { Relay } from '../../lookup/feed/relay.ts';
import { keepSwept } from '../../lookup/feed/sweep.ts';
import { warm } from '../../lookup/feed/warm.ts';
import type { Sql } from '../../lookup/source/sql.ts';
import { Link, type LinkState } from './network.ts';
import { SimSql } from './postgres-sql.ts';
import { SimRedisView } from './redis.ts';
import { SimClock } from './time.ts';
import type { SimWorld } from './world.ts';

export class SimRelay {
  readonly name: string;
  readonly clock: SimClock;
  readonly redis: SimRedisView;
  readonly relay: Relay;
  readonly #world: SimWorld;
  readonly #sourceLink: Link;
  readonly #ending = new AbortController();
  readonly #emptied = new Set<string>();

  constructor(world: SimWorld, name: string) {
    const { time, config } = world;
    const { log } = world.parts;
    this.#world = world;
    this.name = name;
    this.clock = new SimClock(time);
    this.#sourceLink = new Link(time, config.lateness);
    this.redis = new SimRedisView(world.redis, time, config.lateness);
    const sql = new SimSql(world.postgres, time, this.#sourceLink, world.parts.postgres);
    const options = {
      ...config,
      feedChunkRows: config.relayChunkRows,
      feedChangesMax: config.relayChangesMax,
    };
    const outbox = (door: Sql, Outbox = OutboxFeed) => new Outbox(door, options, this.clock, log);
    this.relay = new Relay(
      {
        nodes: this.redis,
        lease: new Lease(sql, name, config, this.clock),
        outbox: outbox(sql, world.parts.outbox),
        replays: outbox(world.parts.replays(sql)),
        clock: this.clock,
        log,
        onEmptied: (node) => this.#emptied.add(node),
      },
      config,
    );
    const { signal } = this.#ending;
    void this.relay.run(signal).catch((error) => world.fault(error));
    const leads = () => this.relay.leads;
    void keepSwept(sql, this.redis, config.tombstoneMs, leads, signal);
    void this.#refill(sql);
  }

  setSourceLink(state: LinkState): void {
    if (!this.#ending.signal.aborted) this.#sourceLink.state = state;
  }

  setRedisLinks(state: LinkState, shard?: number): void {
    this.redis.setLinks(state, shard);
  }

  stop(): void {
    this.#ending.abort();
    void this.redis.close();
    this.#sourceLink.state = 'cut';
  }

  /** As relay-service.ts does it. */
  async #refill(sql: SimSql): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await this.#world.time.sleep(500);
      if (this.#emptied.size === 0) continue;
      const only = new Set(this.#emptied);
      this.#emptied.clear();
      const options = { fenceMs: this.#world.config.fenceMs, only, pagePeople: 4 };
      await warm(sql, this.redis, options, signal).catch(() => {
        for (const node of only) this.#emptied.add(node);
      });
    }
  }
}
