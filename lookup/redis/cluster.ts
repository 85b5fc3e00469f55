// Redis Cluster, over ioredis: the one file that knows the client. It keeps the topology and the connections; every
// command goes to a node that we choose, with our own deadline, and is never sent a second time by the client.

import { readFileSync } from 'node:fs';
import { Cluster, type Redis } from 'ioredis';
import { within } from '../guards/timeout.ts';
import type { Log } from '../log.ts';
import type { DedicatedConnection, RedisArg, RedisNode, RedisNodes, Script } from './nodes.ts';
import { SLOTS, tagOf } from './slots.ts';

export interface RedisClusterOptions {
  /** `redis://user:password@host:port,host:port` or `rediss://…` */
  readonly url: string;
  /** PEM of the authority that signed the servers' certificates; without it, the system's. */
  readonly caFile: string | undefined;
  readonly connectTimeoutMs: number;
  /** A connection that owes an answer for this long is given up. */
  readonly socketTimeoutMs: number;
}

export class RedisUrlError extends Error {
  override readonly name = 'RedisUrlError';
}

export interface RedisTarget {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

/** @throws RedisUrlError, without the password */
export function parseRedisUrl(url: string): RedisTarget {
  const match = /^(rediss?):\/\/(?:([^:@]*)(?::([^@]*))?@)?([^/@]+)\/?$/.exec(url.trim());
  if (!match) {
    throw new RedisUrlError('must be redis://[user:password@]host:port[,host:port…] or rediss://…');
  }
  const [, scheme, username, password, list] = match;
  const nodes = (list as string).split(',').map((text) => {
    const at = /^(.+?)(?::(\d{1,5}))?$/.exec(text.trim());
    const port = Number(at?.[2] ?? 6379);
    if (!at || port < 1 || port > 65_535) throw new RedisUrlError(`"${text}" is no host:port`);
    return { host: (at[1] as string).replace(/^\[|\]$/g, ''), port };
  });
  const plain = (text: string | undefined) => (text ? decodeURIComponent(text) : undefined);
  return { nodes, username: plain(username), password: plain(password), tls: scheme === 'rediss' };
}

const REFRESH_EVERY_MS = 250;
const TOPOLOGY_EVERY_MS = 15_000;
const PING_EVERY_MS = 400;

export class RedisCluster implements RedisNodes {
  readonly #cluster: Cluster;
  readonly #options: RedisClusterOptions;
  readonly #nodes = new Map<string, ClusterNode>();
  readonly #bySlot: (ClusterNode | undefined)[] = new Array(SLOTS);
  readonly #watching: NodeJS.Timeout;
  #masters: ClusterNode[] = [];
  #refreshedMs = -Infinity;
  #closed = false;

  constructor(options: RedisClusterOptions, log: Log) {
    this.#options = options;
    const target = parseRedisUrl(options.url);
    this.#cluster = new Cluster([...target.nodes], clusterOptions(options, target));
    let away = false;
    this.#cluster.on('refresh', () => {
      this.#learn();
      if (away) log.info('Redis Cluster can be reached again');
      away = false;
    });
    // Without a listener an error would end the process. One line for each change of state.
    this.#cluster.on('error', (error) => {
      if (!away) log.warn({ err: error }, 'Redis Cluster cannot be reached');
      away = true;
    });
    this.#cluster.on('node error', () => this.refresh());
    this.#cluster.connect().catch(() => {});
    // A link that died in silence (a machine without power) is found only by what is owed on it.
    this.#watching = setInterval(() => this.#ping(), PING_EVERY_MS);
    this.#watching.unref();
  }

  get masters(): readonly RedisNode[] {
    return this.#masters;
  }

  nodeOf(slot: number): RedisNode | undefined {
    return this.#bySlot[slot];
  }

  slotCounts(): Map<string, number> {
    const counts = new Map(this.#masters.map((node) => [node.name, 0]));
    for (const node of this.#bySlot) {
      if (node) counts.set(node.name, (counts.get(node.name) ?? 0) + 1);
    }
    return counts;
  }

  refresh(): void {
    const now = performance.now();
    if (this.#closed || now - this.#refreshedMs < REFRESH_EVERY_MS) return;
    this.#refreshedMs = now;
    this.#cluster.refreshSlotsCache(() => {});
  }

  dedicated(slot: number): DedicatedConnection | undefined {
    const node = this.#bySlot[slot];
    return node && new Dedicated(node.redis.duplicate({ ...FIRM, retryStrategy: () => null }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watching);
    this.#cluster.disconnect();
  }

  #ping(): void {
    for (const node of this.#masters) {
      node.command(['PING'], this.#options.socketTimeoutMs).catch(() => this.refresh());
    }
  }

  /** The table of slots, as the client has just learnt it. */
  #learn(): void {
    const redisOf = new Map(
      this.#cluster
        .nodes('all')
        .map((redis) => [`${redis.options.host}:${redis.options.port}`, redis]),
    );
    const slotsOf = new Map<string, number[]>();
    for (let slot = 0; slot < SLOTS; slot++) {
      const name = this.#cluster.slots[slot]?.[0];
      if (name === undefined) continue;
      const held = slotsOf.get(name);
      if (held) held.push(slot);
      else slotsOf.set(name, [slot]);
    }
    this.#bySlot.fill(undefined);
    const masters: ClusterNode[] = [];
    for (const [name, slots] of slotsOf) {
      const redis = redisOf.get(name);
      if (!redis) continue;
      const markKey = markKeyOf(slots);
      let node = this.#nodes.get(name);
      if (node?.redis !== redis || node.markKey !== markKey) {
        node = new ClusterNode(name, markKey, redis, () => this.refresh());
        this.#nodes.set(name, node);
      }
      masters.push(node);
      for (const slot of slots) this.#bySlot[slot] = node;
    }
    for (const name of this.#nodes.keys()) if (!slotsOf.has(name)) this.#nodes.delete(name);
    this.#masters = masters;
  }
}

/** For connections of their own too: nothing waits for a server that is away, and nothing is sent twice. */
const FIRM = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
} as const;

type ClusterOptions = NonNullable<ConstructorParameters<typeof Cluster>[1]>;

function clusterOptions(options: RedisClusterOptions, target: RedisTarget): ClusterOptions {
  const redisOptions: NonNullable<ClusterOptions['redisOptions']> = {
    // RESP3 brings nothing that is used here, and its pushes are dropped in silence.
    protocol: 2,
    connectTimeout: options.connectTimeoutMs,
    // The only thing that finds a peer that vanished without a goodbye.
    socketTimeout: options.socketTimeoutMs,
    keepAlive: 5_000,
    noDelay: true,
    // A write that was sent may have been done; done again later it would be a late one.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    ...(target.username ? { username: target.username } : {}),
    ...(target.password ? { password: target.password } : {}),
    ...(target.tls ? { tls: options.caFile ? { ca: readFileSync(options.caFile) } : {} } : {}),
  };
  const spread = (ms: number) => ms * (0.75 + Math.random() / 2);
  return {
    redisOptions,
    lazyConnect: true,
    // Commands held in the cluster's own queues know no timeout: none may be held. Then its check of the state cannot
    // be sent either, and is not wanted: what still serves is used while some slots are lost.
    enableOfflineQueue: false,
    enableReadyCheck: false,
    // A replica that restarts without a change of slots would never come back otherwise.
    clusterNodeRetryStrategy: (times: number) => spread(Math.min(100 * times, 1_000)),
    clusterRetryStrategy: (times: number) => spread(Math.min(100 * times, 1_000)),
    // Off by default. Each refresh opens a connection: not often, and not all processes at once.
    slotsRefreshInterval: spread(TOPOLOGY_EVERY_MS),
    slotsRefreshTimeout: 1_000,
    // Only the topology goes through the client's own routing.
    maxRedirections: 2,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    scaleReads: 'master',
    // Certificates are for names: they are not resolved before.
    ...(target.tls ? { dnsLookup: (address: string, done: DnsDone) => done(null, address) } : {}),
  };
}

type DnsDone = (error: Error | null, address: string) => void;

/**
 * In the slot of this node that comes first in a fixed shuffle of all slots: moving some slots rarely moves the mark,
 * and every process that sees the same slots finds the same key.
 */
function markKeyOf(slots: readonly number[]): string {
  let best = slots[0] as number;
  for (const slot of slots) if (rank(slot) < rank(best)) best = slot;
  return `mark:{${tagOf(best)}}`;
}

const rank = (slot: number) => Math.imul(slot + 1, 0x9e3779b1) >>> 0;

class ClusterNode implements RedisNode {
  readonly name: string;
  readonly markKey: string;
  readonly redis: Redis;
  readonly #onMoved: () => void;

  constructor(name: string, markKey: string, redis: Redis, onMoved: () => void) {
    this.name = name;
    this.markKey = markKey;
    this.redis = redis;
    this.#onMoved = onMoved;
    if (redis.status === 'wait') redis.connect().catch(() => {});
  }

  get connected(): boolean {
    return this.redis.status === 'ready';
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly RedisArg[],
    timeoutMs: number,
  ): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args];
    try {
      return await this.command(['EVALSHA', script.sha1, ...rest], timeoutMs);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return this.command(['EVAL', script.lua, ...rest], timeoutMs);
    }
  }

  async command(args: readonly [string, ...RedisArg[]], timeoutMs: number): Promise<unknown> {
    if (!this.connected) {
      if (this.redis.status === 'wait') this.redis.connect().catch(() => {});
      throw new Error(`${this.name} is not connected`);
    }
    const [name, ...rest] = args;
    try {
      return await within(this.redis.callBuffer(name, ...rest), timeoutMs, this.name);
    } catch (error) {
      this.#onMoved();
      throw error;
    }
  }
}

class Dedicated implements DedicatedConnection {
  readonly #redis: Redis;
  #connecting: Promise<void> | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
    redis.on('error', () => {});
  }

  async command(args: readonly [string, ...RedisArg[]], timeoutMs: number): Promise<unknown> {
    this.#connecting ??= this.#redis.status === 'wait' ? this.#redis.connect() : ready(this.#redis);
    await within(this.#connecting, timeoutMs, 'a connection of its own');
    const [name, ...rest] = args;
    return within(this.#redis.callBuffer(name, ...rest), timeoutMs, 'a connection of its own');
  }

  close(): void {
    this.#redis.disconnect();
  }
}

function ready(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    redis.once('ready', resolve);
    redis.once('end', () => reject(new Error('the connection ended')));
  });
}
