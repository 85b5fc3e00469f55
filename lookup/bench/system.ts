// A whole system of one run: its own PostgreSQL and Redis Cluster, a relay, and as many services as are asked for.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import { FEED_KEY, READ } from '../redis/scripts.ts';
import { slotOf } from '../redis/slots.ts';
import { migrate } from '../source/migrate.ts';
import { openPostgresSession } from '../source/postgres.ts';
import type { SqlSession } from '../source/sql.ts';
import { Backing } from './backing-process.ts';
import { type City, makeAreas, makePeople } from './city.ts';
import { ANY_CORE, BenchServer } from './process.ts';
import type { Programs } from './programs.ts';
import { openBenchRedis } from './server-system.ts';

const WITHIN_MS = 60_000;
const CALL_TIMEOUT_MS = 5_000;

export class System {
  readonly city: City;
  readonly backing: Backing;
  /** A writer's. */
  readonly session: SqlSession;
  readonly nodes: RedisNodes;
  readonly relay: BenchServer;

  private constructor(
    city: City,
    backing: Backing,
    session: SqlSession,
    nodes: RedisNodes,
    relay: BenchServer,
  ) {
    this.city = city;
    this.backing = backing;
    this.session = session;
    this.nodes = nodes;
    this.relay = relay;
  }

  /** With all people in the source, and none in Redis yet. */
  static async start(programs: Programs, city: City): Promise<System> {
    const backing = await Backing.start(programs);
    const closing: (() => Promise<unknown>)[] = [() => backing.stop()];
    try {
      const { postgresUrl, redisUrl } = placesOf(backing);
      const session = await openPostgresSession(postgresUrl);
      closing.unshift(() => session.close());
      await migrate(session);
      await makeAreas(session);
      const nodes = openBenchRedis(redisUrl);
      closing.unshift(() => nodes.close());
      // It finds an empty source: so it has nobody to fill Redis with, and the people come as a first load.
      const relay = await BenchServer.start('relay', { postgresUrl, redisUrl }, ANY_CORE);
      closing.unshift(() => relay.stop());
      const system = new System(city, backing, session, nodes, relay);
      await until('the relay has marked every node', () => system.#isMarked());
      await makePeople(session, city);
      return system;
    } catch (error) {
      for (const close of closing) await close();
      throw error;
    }
  }

  service(config: Partial<Config>, core: string = ANY_CORE): Promise<BenchServer> {
    const { postgresUrl, redisUrl } = placesOf(this.backing);
    return BenchServer.start('service', { postgresUrl, redisUrl, config }, core);
  }

  async #isMarked(): Promise<boolean> {
    const { masters } = this.nodes;
    const marks = masters.map(async (node) => {
      const reply = await node.run(READ, [node.markKey], [Buffer.alloc(0)], CALL_TIMEOUT_MS);
      return (reply as Buffer[]).length > 0;
    });
    const all = await Promise.all(marks).catch(() => [false]);
    return masters.length > 0 && all.every(Boolean);
  }

  /** Bytes that all nodes say they use. */
  async usedMemory(): Promise<number> {
    let bytes = 0;
    for (const node of this.nodes.masters) {
      const info = String(await node.command(['INFO', 'memory'], CALL_TIMEOUT_MS));
      bytes += Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
    }
    return bytes;
  }

  /** Bytes of the feed's last message that names this area. */
  async feedBytesOf(area: number): Promise<number> {
    const node = this.nodes.nodeOf(slotOf(FEED_KEY));
    const reply = await node?.command(
      ['XREVRANGE', FEED_KEY, '+', '-', 'COUNT', 200],
      CALL_TIMEOUT_MS,
    );
    for (const [, fields] of reply as [Buffer, Buffer[]][]) {
      const about = fields[fields.findIndex((field) => field.toString() === 'about') + 1];
      if (about?.includes(`"floors":[[${area},`))
        return fields.reduce((sum, field) => sum + field.length, 0);
    }
    throw new Error(`no message of the feed names area ${area}`);
  }

  async stop(): Promise<void> {
    await this.relay.stop();
    await this.nodes.close();
    await this.session.close();
    await this.backing.stop();
  }
}

function placesOf({ places: { postgresUrl, redis } }: Backing) {
  if (!redis) throw new Error('a whole system has a Redis');
  return { postgresUrl, redisUrl: redis.url };
}

export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - began > WITHIN_MS) throw new Error(`not in time: ${what}`);
    await sleep(50);
  }
}

/** What a process says of itself at its ops port. @param name as scraped, with its labels if it has any */
export async function metricOf(server: BenchServer, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${server.ports.ops}/metrics`);
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name}`);
  return Number(line.slice(name.length + 1));
}
