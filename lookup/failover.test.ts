// What Redis does worst: masters that die, hang, or come back with an old memory, and a source that is replaced by an
// older copy of itself.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, startOwnPostgres } from '../test/database.ts';
import { type RedisCluster, type RedisNode, startRedisCluster } from '../test/redis-cluster.ts';
import { openRedisWorld, type RedisWorld, type RunningRelay } from '../test/redis-world.ts';
import { idOf, type Running, type Writer } from '../test/service.ts';
import { until } from '../test/wait.ts';
import type { ReadAnswer } from './edge/wire.ts';
import { FEED_KEY } from './redis/scripts.ts';
import { placeInto, slotOf, slotOfBucket } from './redis/slots.ts';

const PEOPLE = 300;
const COLORS = ['green', 'yellow', 'red'];

/** Asks without end, and keeps what must never be: an error, or an older version after a newer one. */
class Asking {
  readonly wrong: string[] = [];
  answers = 0;
  readonly #versions = new Map<number, number>();
  #going = true;
  readonly #done: Promise<void>;

  constructor(running: Running, people: readonly number[]) {
    this.#done = this.#run(running, people);
  }

  async #run(running: Running, people: readonly number[]): Promise<void> {
    for (let i = 0; this.#going; i++) {
      const n = people[i % people.length] as number;
      const asked = await running.gate.lookup({ subject: idOf(n) });
      const { answer } = asked;
      this.answers += 1;
      if (answer?.outcome !== 'found') {
        this.wrong.push(`${n}: ${JSON.stringify(asked)}`);
        continue;
      }
      const version = answer.version as number;
      if (version < (this.#versions.get(n) ?? 0)) this.wrong.push(`${n}: an older version`);
      this.#versions.set(n, version);
    }
  }

  async end(): Promise<void> {
    this.#going = false;
    await this.#done;
  }
}

describe('with a Redis that fails', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let redis: RedisCluster;
  let world: RedisWorld;
  let writer: Writer;
  let relay: RunningRelay;
  let running: Running;

  beforeAll(async () => {
    [database, redis] = await Promise.all([freshDatabase(), startRedisCluster({ replicas: 3 })]);
    world = await openRedisWorld(database.url, redis);
    writer = await world.connect();
    await writer.area(1);
    await writer.people(1, PEOPLE, [1]);
    relay = world.relay();
    running = await world.start();
    await running.service.ready;
    await until(() => relay.log.some((line) => line.text === 'filled again from the source'), {
      what: 'Redis is filled',
      timeoutMs: 10_000,
    });
  }, 60_000);
  afterAll(async () => {
    await world?.close();
    await redis?.discard();
    await database?.drop();
  });

  const gate = async (asked: Running, n: number) =>
    (await asked.gate.lookup({ subject: idOf(n) })).answer as ReadAnswer;
  const shows = (asked: Running, n: number, color: number) =>
    until(
      async () => {
        const answer = await gate(asked, n);
        return answer.color === color && answer.fresh === true;
      },
      { what: `person ${n} shows ${color}, fresh`, timeoutMs: 10_000 },
    );
  const slotOfPerson = (n: number) => slotOfBucket(placeInto(Buffer.alloc(9), 0, idOf(n)));
  const on = async (node: RedisNode) => {
    const owners = await Promise.all(
      Array.from({ length: PEOPLE }, async (_, i) => {
        const owner = await redis.masterOf(slotOfPerson(i + 1));
        return owner === node ? i + 1 : 0;
      }),
    );
    return owners.filter((n) => n > 0);
  };
  const relayWhole = () =>
    until(() => relay.service.relay.leads && relay.service.relay.behind === 0, {
      what: 'the relay has written every node',
      timeoutMs: 20_000,
    });
  /** A process that knows nothing sees the same as the source says. */
  async function agrees(colors: ReadonlyMap<number, number>): Promise<void> {
    const cold = await world.start();
    await cold.service.ready;
    for (const [n, color] of colors) await shows(cold, n, color);
    await cold.stop();
  }

  async function survives(
    node: RedisNode,
    fail: () => Promise<void> | void,
    heal: () => Promise<void> | void,
  ): Promise<void> {
    const people = (await on(node)).slice(0, 20);
    const expected = new Map<number, number>();
    const asking = new Asking(running, people);
    const started = await world.start();
    await started.service.ready;
    const cold = new Asking(started, people);
    await fail();
    const change = async (round: number) => {
      for (const n of people.slice(0, 5)) {
        const color = (round + n) % 3;
        await writer.person(n, COLORS[color], [1]);
        expected.set(n, color + 1);
      }
      for (const [n, color] of expected) await shows(running, n, color);
    };
    let round = 0;
    const slot = slotOfPerson(people[0] as number);
    await until(
      async () => {
        await change(++round);
        return (await redis.masterOf(slot)) !== node;
      },
      { what: 'its replica takes over', timeoutMs: 15_000 },
    );
    await change(++round);
    await heal();
    await change(++round);
    await relayWhole();
    for (const [n, color] of expected) await shows(running, n, color);
    await Promise.all([asking.end(), cold.end()]);
    expect(asking.wrong.slice(0, 3)).toEqual([]);
    expect(cold.wrong.slice(0, 3)).toEqual([]);
    expect(asking.answers).toBeGreaterThan(100);
    await agrees(expected);
  }

  it('goes on through a master that is killed, and its replica that takes over', async () => {
    const feedNode = await redis.masterOf(slotOf(FEED_KEY));
    const node = (await redis.masters()).find((one) => one !== feedNode) as RedisNode;
    await survives(
      node,
      () => node.kill9(),
      () => node.start(),
    );
  }, 60_000);

  it('goes on through the death of the master that holds the feed', async () => {
    const node = await redis.masterOf(slotOf(FEED_KEY));
    await survives(
      node,
      () => node.kill9(),
      () => node.start(),
    );
  }, 60_000);

  it('goes on through a master that hangs and wakes up after its replica took over', async () => {
    const feedNode = await redis.masterOf(slotOf(FEED_KEY));
    const owners = await Promise.all(
      Array.from({ length: PEOPLE }, (_, i) => redis.masterOf(slotOfPerson(i + 1))),
    );
    const other = owners.find((one) => one !== feedNode) as RedisNode;
    await survives(
      other,
      () => other.pause(),
      () => other.resume(),
    );
  }, 60_000);
});

describe('with a Redis that remembers an older time', () => {
  it('never answers from a master that came back from its last dump', async () => {
    const [database, redis] = await Promise.all([
      freshDatabase(),
      startRedisCluster({ masters: 2, nodeTimeoutMs: 15_000 }),
    ]);
    const world = await openRedisWorld(database.url, redis);
    try {
      const writer = await world.connect();
      await writer.area(1);
      await writer.people(1, 50, [1]);
      const relay = world.relay();
      await until(() => relay.log.some((line) => line.text === 'filled again from the source'), {
        what: 'Redis is filled',
        timeoutMs: 10_000,
      });
      const nodes = await redis.masters();
      for (const node of nodes) await node.ask('SAVE');
      for (let n = 1; n <= 50; n++) await writer.person(n, 'red', [1]);
      const warm = await world.start();
      await warm.service.ready;
      const look = async (running: Running, n: number) =>
        (await running.gate.lookup({ subject: idOf(n) })).answer as ReadAnswer;
      await until(async () => (await look(warm, 50)).color === 3, { what: 'the change shows' });
      await Promise.all(nodes.map((node) => node.kill9()));
      await Promise.all(nodes.map((node) => node.start()));
      await redis.waitOk();
      const cold = await world.start();
      await cold.service.ready;
      for (let n = 1; n <= 50; n++) {
        const answer = await look(cold, n);
        const marked = answer.outcome === 'unavailable' || answer.fresh === false;
        if (!marked) expect([n, answer.color, answer.outcome]).toEqual([n, 3, 'found']);
      }
      await until(() => relay.service.relay.leads && relay.service.relay.behind === 0, {
        what: 'the relay has replayed the node',
        timeoutMs: 10_000,
      });
      const later = await world.start();
      await later.service.ready;
      for (let n = 1; n <= 50; n++) expect(await look(later, n)).toMatchObject({ color: 3 });
      expect(relay.service.relay.stats.replays).toBeGreaterThan(0);
    } finally {
      await world.close();
      await redis.discard();
      await database.drop();
    }
  }, 60_000);

  it('notices a source that was replaced by an older copy of itself, and is right again', async () => {
    const [postgres, redis] = await Promise.all([startOwnPostgres(), startRedisCluster()]);
    const world = await openRedisWorld(postgres.url, redis);
    try {
      const writer = await world.connect();
      await writer.area(1);
      await writer.people(1, 50, [1]);
      const relay = world.relay();
      const running = await world.start();
      await running.service.ready;
      const look = async (n: number) =>
        (await running.gate.lookup({ subject: idOf(n) })).answer as ReadAnswer;
      await until(async () => (await look(1)).fresh === true, { what: 'it is fresh' });
      for (let n = 1; n <= 50; n++) await look(n);
      // An older copy: everything of the last seconds is undone, and versions are given out twice.
      await postgres.backup();
      const undone = await world.connect();
      for (let n = 1; n <= 20; n++) await undone.person(n, 'red', [1]);
      await until(async () => (await look(20)).color === 3, { what: 'the change shows' });
      await postgres.restore();
      const again = await world.connect();
      const began = performance.now();
      await until(() => relay.log.some((line) => line.text?.includes('lost history')), {
        what: 'it is noticed',
        timeoutMs: 10_000,
      });
      expect(performance.now() - began).toBeLessThan(2_000);
      for (let n = 10; n <= 30; n++) await again.person(n, 'yellow', [1]);
      const expected = (n: number) => (n >= 10 && n <= 30 ? 2 : 1);
      for (let n = 1; n <= 50; n++) {
        await until(
          async () => {
            const answer = await look(n);
            return answer.color === expected(n) && answer.fresh === true;
          },
          { what: `person ${n} is as the source says`, timeoutMs: 10_000 },
        );
      }
    } finally {
      await world.close();
      await redis.discard();
      await postgres.discard();
    }
  }, 60_000);
});
