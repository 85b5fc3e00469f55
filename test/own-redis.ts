// A Redis Cluster of one test's own, on free ports of this machine: to kill, pause, empty and fail over.

import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll } from 'vitest';
import { dropFolder, heldFolder, type Kept, keep } from './keeper.ts';
import { until } from './wait.ts';

export interface OwnRedisNode {
  readonly name: string;
  readonly port: number;
  /** One command, on a connection of the test's own. */
  call(...args: (string | number | Buffer)[]): Promise<unknown>;
  kill9(): Promise<void>;
  /** It hangs, and no connection breaks. */
  pause(): void;
  resume(): void;
  /** After kill9: the same port and folder, with the dump that lies there, if any. */
  start(): Promise<void>;
}

export interface OwnRedisCluster {
  /** As LOOKUP_REDIS_URL takes it. */
  readonly url: string;
  readonly nodes: readonly OwnRedisNode[];
  /** The first of them hold the slots in the beginning. */
  readonly masters: readonly OwnRedisNode[];
  /** Who holds a slot now, as somebody who answers says. */
  masterOf(slot: number): Promise<OwnRedisNode>;
  /** All keys of all masters are gone. */
  empty(): Promise<void>;
  discard(): Promise<void>;
}

export interface ClusterShape {
  readonly masters?: number;
  /** Of each master one, for the first so many. */
  readonly replicas?: number;
  readonly nodeTimeoutMs?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

const SLOTS = 16_384;
const own = new Set<OwnRedisCluster>();
afterAll(async () => {
  await Promise.all([...own].map((cluster) => cluster.discard()));
});

export async function startOwnRedis(shape: ClusterShape = {}): Promise<OwnRedisCluster> {
  const { masters: masterCount = 3, replicas = 0, nodeTimeoutMs = 1_500, settings = {} } = shape;
  const dir = heldFolder();
  const all = { 'cluster-node-timeout': String(nodeTimeoutMs), ...settings };
  const ports = await freePorts(masterCount + replicas);
  const nodes = await Promise.all(
    ports.map((port) => startNode(join(dir, String(port)), port, all)),
  );
  const masters = nodes.slice(0, masterCount);
  const each = Math.ceil(SLOTS / masterCount);
  await Promise.all(
    masters.map((node, i) =>
      node.call('CLUSTER', 'ADDSLOTSRANGE', i * each, Math.min(SLOTS, (i + 1) * each) - 1),
    ),
  );
  for (const [i, node] of nodes.entries()) {
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    for (const other of nodes) {
      if (other !== node)
        await node.call('CLUSTER', 'MEET', '127.0.0.1', other.port, other.port + 1);
    }
  }
  const knows = async (node: OwnRedisNode) =>
    String(await node.call('CLUSTER', 'NODES'))
      .split('\n')
      .filter((l) => l.includes(' connected') && !l.includes('handshake')).length >= nodes.length;
  await until(async () => (await Promise.all(nodes.map(knows))).every(Boolean), {
    what: 'the nodes know each other',
    timeoutMs: 20_000,
    everyMs: 50,
  });
  for (const [i, replica] of nodes.slice(masterCount).entries()) {
    const id = String(await (masters[i % masterCount] as OwnRedisNode).call('CLUSTER', 'MYID'));
    await replica.call('CLUSTER', 'REPLICATE', id);
  }
  await until(async () => (await Promise.all(nodes.map(isWhole))).every(Boolean), {
    what: 'the cluster is whole',
    timeoutMs: 20_000,
    everyMs: 50,
  });
  const cluster: OwnRedisCluster = {
    url: `redis://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    masters,
    async masterOf(slot) {
      for (const node of nodes) {
        const late = new Promise<undefined>((done) => setTimeout(done, 200, undefined));
        const asked = node.call('CLUSTER', 'SLOTS').catch(() => undefined);
        const ranges = (await Promise.race([asked, late])) as
          | [number, number, [string, number]][]
          | undefined;
        const range = ranges?.find(([from, to]) => slot >= from && slot <= to);
        const found = range && nodes.find((one) => one.port === range[2][1]);
        if (found) return found;
      }
      throw new Error(`nobody says who holds slot ${slot}`);
    },
    async empty() {
      for (const node of nodes) await node.call('FLUSHALL').catch(() => {});
    },
    async discard() {
      own.delete(cluster);
      await Promise.all(nodes.map((node) => node.kill9()));
      await dropFolder(dir);
    },
  };
  own.add(cluster);
  return cluster;
}

async function isWhole(node: OwnRedisNode): Promise<boolean> {
  const info = String(await node.call('CLUSTER', 'INFO'));
  const replication = String(await node.call('INFO', 'replication'));
  const follows = replication.includes('role:slave');
  const inStep = !follows || replication.includes('master_link_status:up');
  return info.includes('cluster_state:ok') && inStep;
}

async function startNode(
  dir: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<OwnRedisNode> {
  mkdirSync(dir, { recursive: true });
  const all = {
    port: String(port),
    bind: '127.0.0.1',
    'cluster-enabled': 'yes',
    'cluster-port': String(port + 1),
    'cluster-require-full-coverage': 'no',
    'repl-diskless-sync-delay': '0',
    'hash-max-listpack-value': '128',
    'hash-max-listpack-entries': '512',
    save: '',
    appendonly: 'no',
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const start = () =>
    keep({ command: 'redis-server', args, cwd: dir, log: join(dir, 'log'), endBy: 'SIGKILL' });
  let server: Kept = await start();
  let client: Redis | undefined;
  const connect = () => {
    const made = new Redis({
      port,
      host: '127.0.0.1',
      lazyConnect: true,
      retryStrategy: () => null,
    });
    made.on('error', () => {});
    made.once('end', () => {
      if (client === made) client = undefined;
    });
    return made;
  };
  const call = (...[name, ...args]: (string | number | Buffer)[]) => {
    client ??= connect();
    return client.call(String(name), ...args);
  };
  const node: OwnRedisNode = {
    name: `127.0.0.1:${port}`,
    port,
    call,
    async kill9() {
      client?.disconnect();
      client = undefined;
      if (server.outcome()) return;
      server.kill('SIGKILL');
      await server.ended;
    },
    pause: () => server.kill('SIGSTOP'),
    resume: () => server.kill('SIGCONT'),
    async start() {
      if (server.outcome()) server = await start();
      await answers(call);
    },
  };
  await answers(call);
  return node;
}

const answers = (call: OwnRedisNode['call']) =>
  until(
    () =>
      call('PING').then(
        () => true,
        () => false,
      ),
    {
      what: 'a Redis node answers',
      timeoutMs: 10_000,
      everyMs: 20,
    },
  );

/** Pairs of ports that nobody has: a node's own and, one above, that of its cluster bus. */
async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  const isFree = (port: number) =>
    new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 5_000) * 2;
    if (!ports.includes(port) && (await isFree(port)) && (await isFree(port + 1))) ports.push(port);
  }
  return ports;
}
