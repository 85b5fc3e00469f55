// One process is cut from Redis while the rest goes on: it follows the outbox, says how old it is, and is fresh again.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../test/database.ts';
import { type RedisCluster, startRedisCluster } from '../test/redis-cluster.ts';
import { openRedisWorld, type RedisWorld } from '../test/redis-world.ts';
import { idOf, type Running, type Writer } from '../test/service.ts';
import { until } from '../test/wait.ts';
import type { ReadAnswer } from './edge/wire.ts';
import type { DedicatedConnection, RedisNode, RedisNodes } from './redis/nodes.ts';

const PEOPLE = 100;
const STALE_AFTER_MS = 2_000;
const PASSWORD = 'a:b@c/d';

/** A cable that can be pulled: what is asked of Redis then never comes back. */
class Cable implements RedisNodes {
  cut = false;
  readonly #nodes: RedisNodes;
  readonly #open = new Set<DedicatedConnection>();
  readonly #wrapped = new WeakMap<RedisNode, RedisNode>();

  constructor(nodes: RedisNodes) {
    this.#nodes = nodes;
  }

  pull(): void {
    this.cut = true;
    for (const connection of this.#open) connection.close();
  }

  get masters() {
    return this.#nodes.masters.map((node) => this.#wrap(node));
  }

  nodeOf(slot: number) {
    const node = this.#nodes.nodeOf(slot);
    return node && this.#wrap(node);
  }

  slotCounts() {
    return this.#nodes.slotCounts();
  }

  refresh(): void {
    this.#nodes.refresh();
  }

  dedicated(slot: number) {
    if (this.cut) return undefined;
    const connection = this.#nodes.dedicated(slot);
    if (connection) this.#open.add(connection);
    return connection;
  }

  close() {
    return this.#nodes.close();
  }

  #wrap(node: RedisNode): RedisNode {
    let wrapped = this.#wrapped.get(node);
    if (!wrapped) {
      const silence = (timeoutMs: number) =>
        new Promise<never>((_, reject) => setTimeout(() => reject(new Error('cut')), timeoutMs));
      wrapped = {
        name: node.name,
        markKey: node.markKey,
        connected: true,
        run: (script, keys, args, timeoutMs) =>
          this.cut ? silence(timeoutMs) : node.run(script, keys, args, timeoutMs),
        command: (args, timeoutMs) =>
          this.cut ? silence(timeoutMs) : node.command(args, timeoutMs),
      };
      this.#wrapped.set(node, wrapped);
    }
    return wrapped;
  }
}

describe('a process that is cut from Redis', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let redis: RedisCluster;
  let world: RedisWorld;
  let writer: Writer;
  let running: Running;
  let cable: Cable;

  beforeAll(async () => {
    [database, redis] = await Promise.all([
      freshDatabase(),
      startRedisCluster({ password: PASSWORD }),
    ]);
    world = await openRedisWorld(database.url, redis);
    writer = await world.connect();
    await writer.area(1);
    await writer.people(1, PEOPLE, [1]);
    world.relay();
    cable = new Cable(world.connectRedis());
    running = await world.start({ redis: cable });
    await running.service.ready;
  }, 60_000);
  afterAll(async () => {
    await world?.close();
    await redis?.discard();
    await database?.drop();
  });

  const gate = async (n: number) =>
    (await running.gate.lookup({ subject: idOf(n) })).answer as ReadAnswer;
  const isTrue = async (n: number, colors: readonly number[]) => {
    const answer = await gate(n);
    return answer.color === colors[n] && answer.fresh === true;
  };

  it('is right or marked all the while, and fresh within two seconds of the end', async () => {
    const colors = Array.from({ length: PEOPLE + 1 }, () => 1);
    const change = async (n: number, color: number) => {
      await writer.person(n, ['', 'green', 'yellow', 'red'][color], [1]);
      colors[n] = color;
    };
    for (let n = 1; n <= PEOPLE / 2; n++) await gate(n);
    await until(async () => (await running.metric('lookup_feed_from_outbox')) === 0, {
      what: 'it follows the feed',
    });
    cable.pull();
    /** Until when each color was true. */
    const past = new Map<number, { readonly until: number; readonly color: number }[]>();
    const until4s = performance.now() + 4_000;
    for (let i = 0; performance.now() < until4s; i++) {
      const n = 1 + (i % PEOPLE);
      if (i % 5 === 0) {
        const color = colors[n] as number;
        await change(n, 1 + ((i / 5) % 3));
        past.set(n, [...(past.get(n) ?? []), { until: performance.now(), color }]);
      }
      const answer = await gate(n);
      expect(answer.outcome).toBe('found');
      if (!answer.fresh) continue;
      const since = performance.now() - STALE_AFTER_MS;
      const lately = (past.get(n) ?? []).filter(({ until }) => until >= since);
      expect([colors[n], ...lately.map(({ color }) => color)]).toContain(answer.color);
    }
    expect(await running.metric('lookup_feed_from_outbox')).toBe(1);
    const queries = await running.metric('lookup_source_queries_total');
    cable.cut = false;
    const healed = performance.now();
    await until(async () => (await running.metric('lookup_feed_from_outbox')) === 0, {
      what: 'it follows the feed again',
    });
    for (let n = 1; n <= PEOPLE; n++)
      await until(() => isTrue(n, colors), { what: `person ${n} is true and fresh` });
    expect(performance.now() - healed).toBeLessThan(2_000);
    // Nothing was flushed: those who were held are answered from memory.
    expect((await gate(1)).layer).toBe('memory');
    expect((await running.metric('lookup_source_queries_total')) - queries).toBeLessThan(
      PEOPLE / 2,
    );
    await change(7, 3);
    await until(() => isTrue(7, colors), { what: 'a change shows' });
  }, 30_000);
});
