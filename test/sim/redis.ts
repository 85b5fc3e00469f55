// A Redis Cluster in memory, and how one process sees it: nodes that lag and take over, restart from an old dump, are
// emptied, stop or hang. Each process has its own links and its own idea of who is a master.

import type {
  DedicatedConnection,
  RedisArg,
  RedisNode,
  RedisNodes,
  Script,
} from '../../lookup/redis/nodes.ts';
import { SLOTS } from '../../lookup/redis/slots.ts';
import { type Lateness, Link, type LinkState } from './network.ts';
import { RedisData } from './redis-data.ts';
import { bytesOf, SCRIPTS, type ScriptOf } from './redis-scripts.ts';
import type { SimTime } from './time.ts';

/** Who waits at a stream in which there was nothing new. */
interface Reader {
  readonly look: () => boolean;
  readonly fail: (error: Error) => void;
}

export class SimServer {
  readonly name: string;
  readonly shard: number;
  data: RedisData;
  /** down: refuses. hung: takes requests, and answers nothing. moved: another has its slots. */
  state: 'up' | 'down' | 'hung' | 'moved' = 'up';
  readonly #time: SimTime;
  readonly #scripts: Readonly<Record<string, ScriptOf>>;
  #readers: Reader[] = [];
  #hung: (() => void)[] = [];

  constructor(
    shard: number,
    n: number,
    time: SimTime,
    scripts: SimServer['scripts'],
    data: RedisData,
  ) {
    this.name = `shard${shard}-${n}:6379`;
    this.shard = shard;
    this.data = data;
    this.#time = time;
    this.#scripts = scripts;
    this.hold(data);
  }

  get scripts() {
    return this.#scripts;
  }

  hold(data: RedisData): void {
    this.data = data;
    data.onAdded = () => {
      this.#readers = this.#readers.filter((reader) => !reader.look());
    };
  }

  async eval(script: Script, keys: readonly string[], args: readonly RedisArg[]): Promise<unknown> {
    await this.#serves();
    const run = this.#scripts[script.name];
    if (!run) throw new Error(`no such script here: ${script.name}`);
    return run(this.data, keys, args.map(bytesOf));
  }

  /** XREAD COUNT n BLOCK ms STREAMS key id */
  async xread(args: readonly RedisArg[]): Promise<unknown> {
    await this.#serves();
    const [, , most, , blockMs, , key, id] = args.map(String);
    const look = () => {
      const entries = this.data.after(key as string, id as string, Number(most));
      if (entries.length === 0) return undefined;
      const raw = entries.map((entry) => [
        Buffer.from(entry.id),
        [...entry.fields].flatMap(([name, value]) => [Buffer.from(name), value]),
      ]);
      return [[Buffer.from(key as string), raw]];
    };
    const now = look();
    if (now) return now;
    return new Promise((resolve, reject) => {
      const reader = {
        look: () => {
          const found = look();
          if (found) resolve(found);
          return found !== undefined;
        },
        fail: reject,
      };
      this.#readers.push(reader);
      this.#time.after(Number(blockMs), () => {
        if (!this.#readers.includes(reader)) return;
        this.#readers = this.#readers.filter((other) => other !== reader);
        if (this.state === 'up') resolve(null);
      });
    });
  }

  /** Its connections are gone. */
  hangUp(): void {
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) reader.fail(new Error('the connection ended'));
  }

  /** What came while it hung is done now. */
  resume(state: 'up' | 'moved' = 'up'): void {
    this.state = state;
    for (const go of this.#hung.splice(0)) go();
  }

  async #serves(): Promise<void> {
    if (this.state === 'hung') await new Promise<void>((resolve) => this.#hung.push(resolve));
    if (this.state === 'down') throw new Error('connect ECONNREFUSED');
    if (this.state === 'moved') throw new Error('MOVED');
  }
}

export class SimRedis {
  readonly masters: SimServer[] = [];
  /** Every server that has been one. */
  readonly servers: SimServer[] = [];
  readonly #time: SimTime;
  readonly #scripts: Readonly<Record<string, ScriptOf>>;

  constructor(time: SimTime, masters: number, scripts: Readonly<Record<string, ScriptOf>> = {}) {
    this.#time = time;
    this.#scripts = { ...SCRIPTS, ...scripts };
    for (let shard = 0; shard < masters; shard++)
      this.masters.push(this.#server(shard, new RedisData(() => time.now)));
  }

  shardOf(slot: number): number {
    return Math.floor((slot * this.masters.length) / SLOTS);
  }

  #server(shard: number, data: RedisData): SimServer {
    const server = new SimServer(shard, this.servers.length, this.#time, this.#scripts, data);
    this.servers.push(server);
    return server;
  }

  /** A replica that lacks what was written lately takes over; the old one goes. */
  promote(shard: number, lacksMs: number, old: 'down' | 'moved' = 'moved'): SimServer {
    const was = this.masters[shard] as SimServer;
    const now = this.#server(shard, was.data.asOf(this.#time.now - lacksMs));
    this.masters[shard] = now;
    if (was.state !== 'hung') was.state = old;
    was.hangUp();
    return now;
  }

  /**
   * As {@link promote}, but who sees only the old one may write to it, for as long as it takes the others to be sure.
   */
  split(shard: number, lacksMs: number, lastsMs: number): void {
    const was = this.masters[shard] as SimServer;
    this.promote(shard, lacksMs);
    if (was.state === 'hung') return;
    was.state = 'up';
    this.#time.after(lastsMs, () => {
      was.state = 'moved';
      was.hangUp();
    });
  }

  /** Killed, and back before anybody took over, from its last dump. */
  restart(shard: number, dumpAgeMs: number): void {
    const master = this.masters[shard] as SimServer;
    const since = master.data;
    master.hold(since.asOf(this.#time.now - dumpAgeMs));
    master.hangUp();
  }

  hang(shard: number): void {
    (this.masters[shard] as SimServer).state = 'hung';
  }

  /** All of the shard's that hang go on; who has been replaced says so. */
  resume(shard: number): void {
    const master = this.masters[shard] as SimServer;
    for (const server of this.servers)
      if (server.shard === shard && server.state === 'hung')
        server.resume(server === master ? 'up' : 'moved');
  }

  empty(shard: number): void {
    const master = this.masters[shard] as SimServer;
    master.hold(new RedisData(() => this.#time.now));
  }
}

const REFRESH_EVERY_MS = 250;
const TOPOLOGY_EVERY_MS = 1_500;

/** How one process sees it. */
export class SimRedisView implements RedisNodes {
  readonly #redis: SimRedis;
  readonly #time: SimTime;
  readonly #lateness: Lateness;
  readonly #links = new Map<SimServer, Link>();
  #nodes: SimNode[] = [];
  #state: LinkState = 'open';
  #takesMs: number | undefined;
  #refreshedMs = -Infinity;
  #closed = false;

  constructor(redis: SimRedis, time: SimTime, lateness: Lateness) {
    this.#redis = redis;
    this.#time = time;
    this.#lateness = lateness;
    this.#learn();
    this.#watch();
  }

  get masters(): readonly RedisNode[] {
    return this.#nodes;
  }

  nodeOf(slot: number): RedisNode | undefined {
    return this.#nodes[this.#redis.shardOf(slot)];
  }

  slotCounts(): Map<string, number> {
    return new Map(this.#nodes.map((node) => [node.name, SLOTS / this.#nodes.length]));
  }

  refresh(): void {
    if (this.#closed || this.#time.now - this.#refreshedMs < REFRESH_EVERY_MS) return;
    this.#refreshedMs = this.#time.now;
    this.#time.after(this.#time.between(1, 30), () => this.#learn());
  }

  dedicated(slot: number): DedicatedConnection | undefined {
    const node = this.#nodes[this.#redis.shardOf(slot)];
    if (!node) return undefined;
    let closed = false;
    return {
      command: async (args, timeoutMs) => {
        if (closed) throw new Error('closed');
        const call = this.linkTo(node.server).call(() => node.server.xread(args));
        return this.within(call, timeoutMs);
      },
      close() {
        closed = true;
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** To all servers, or to one shard's. */
  setLinks(state: LinkState, shard?: number): void {
    if (shard === undefined) this.#state = state;
    for (const [server, link] of this.#links)
      if (shard === undefined || this.#redis.masters[shard] === server) link.state = state;
  }

  /** As {@link Link.takesMs}, of all servers. */
  setTakesMs(ms: number | undefined): void {
    this.#takesMs = ms;
    for (const link of this.#links.values()) link.takesMs = ms;
  }

  linkTo(server: SimServer): Link {
    let link = this.#links.get(server);
    if (!link) {
      link = new Link(this.#time, this.#lateness);
      link.state = this.#state;
      link.takesMs = this.#takesMs;
      this.#links.set(server, link);
    }
    return link;
  }

  /** @throws after `timeoutMs`, whatever happens to the call */
  within<T>(call: Promise<T>, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#time.after(timeoutMs, () => reject(new Error(`no answer in ${timeoutMs} ms`)));
      call.then(resolve, reject);
    });
  }

  /** The masters as they are now, if anybody can be asked. */
  #learn(): void {
    if (this.#closed) return;
    const reachable = (server: SimServer) =>
      server.state !== 'down' && ['open', 'slow'].includes(this.linkTo(server).state);
    if (!this.#redis.servers.some(reachable)) return;
    this.#nodes = this.#redis.masters.map((server, shard) => {
      const known = this.#nodes[shard];
      return known?.server === server ? known : new SimNode(server, shard, this);
    });
  }

  #watch(): void {
    if (this.#closed) return;
    this.#learn();
    this.#time.after(this.#time.between(0.5, 1) * TOPOLOGY_EVERY_MS, () => this.#watch());
  }
}

class SimNode implements RedisNode {
  readonly name: string;
  readonly markKey: string;
  readonly server: SimServer;
  readonly #view: SimRedisView;

  constructor(server: SimServer, shard: number, view: SimRedisView) {
    this.name = server.name;
    this.markKey = `mark:{${shard}}`;
    this.server = server;
    this.#view = view;
  }

  get connected(): boolean {
    return this.server.state !== 'down' && this.#view.linkTo(this.server).state !== 'cut';
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly RedisArg[],
    timeoutMs: number,
  ): Promise<unknown> {
    try {
      if (!this.connected) throw new Error(`${this.name} is not connected`);
      const call = this.#view.linkTo(this.server).call(() => this.server.eval(script, keys, args));
      return await this.#view.within(call, timeoutMs);
    } catch (error) {
      this.#view.refresh();
      throw error;
    }
  }

  async command(): Promise<unknown> {
    throw new Error('no plain command is used here');
  }
}
