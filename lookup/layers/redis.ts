// L2: the records of all people, in Redis Cluster. Reads of one turn of the event loop go to each node as one script
// call, which brings the node's mark along: how far its records are. A node that is away, or whose mark is missing, is
// a miss for its people and for nobody else.

import type { PersonRecord, SourceMs, Subject } from '../health-code.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { DROP, FILL, READ } from '../redis/scripts.ts';
import { PLACE_BYTES, placeInto, slotOfBucket } from '../redis/slots.ts';
import type { Layer, LayerRead } from './layer.ts';
import { decode, ENVELOPE_BYTES_MAX, encodeInto } from './record-codec.ts';

export interface RedisLayerOptions {
  readonly redisTimeoutHardMs: number;
  readonly redisBatchMax: number;
  /** People who wait for one node; further ones are a miss at once. */
  readonly redisQueueMax: number;
  readonly fenceMs: number;
}

/** One for each node. */
export interface CallGuard {
  run<T>(call: () => Promise<T>): Promise<T | undefined>;
}

export interface RedisLayerStats {
  reads: number;
  hits: number;
  misses: number;
  /** not asked, or not answered */
  failed: number;
  /** torn, foreign, of another format: repaired */
  unreadable: number;
  fills: number;
  fillsRefused: number;
}

interface Asked {
  readonly subject: Subject;
  readonly place: Buffer;
  readonly resolve: (read: LayerRead | undefined) => void;
}

interface Fill {
  readonly place: Buffer;
  readonly person: PersonRecord;
  readonly xid: number;
}

/** What goes to one node next. Fills that belong to one mark and one read time go together. */
interface Waiting {
  asked: Asked[];
  scheduled: boolean;
}

export interface Mark {
  readonly keyspace: Buffer;
  readonly at: SourceMs;
  readonly epoch: string;
}

export class RedisLayer implements Layer {
  readonly name = 'redis';
  readonly stats: RedisLayerStats = {
    reads: 0,
    hits: 0,
    misses: 0,
    failed: 0,
    unreadable: 0,
    fills: 0,
    fillsRefused: 0,
  };
  readonly #nodes: RedisNodes;
  readonly #guardOf: (node: RedisNode) => CallGuard;
  readonly #options: RedisLayerOptions;
  readonly #waiting = new WeakMap<RedisNode, Waiting>();

  constructor(
    nodes: RedisNodes,
    guardOf: (node: RedisNode) => CallGuard,
    options: RedisLayerOptions,
  ) {
    this.#nodes = nodes;
    this.#guardOf = guardOf;
    this.#options = options;
  }

  get(subject: Subject): Promise<LayerRead | undefined> {
    const place = Buffer.allocUnsafe(PLACE_BYTES);
    const node = this.#nodes.nodeOf(slotOfBucket(placeInto(place, 0, subject)));
    this.stats.reads += 1;
    if (!node) return this.#failed();
    let waiting = this.#waiting.get(node);
    if (!waiting) {
      waiting = { asked: [], scheduled: false };
      this.#waiting.set(node, waiting);
    }
    if (waiting.asked.length >= this.#options.redisQueueMax) return this.#failed();
    const { asked } = waiting;
    if (!waiting.scheduled) {
      waiting.scheduled = true;
      setImmediate(() => this.#send(node));
    }
    return new Promise((resolve) => asked.push({ subject, place, resolve }));
  }

  #failed(): Promise<undefined> {
    this.stats.failed += 1;
    return Promise.resolve(undefined);
  }

  #send(node: RedisNode): void {
    const waiting = this.#waiting.get(node) as Waiting;
    const { asked } = waiting;
    waiting.asked = [];
    waiting.scheduled = false;
    for (let at = 0; at < asked.length; at += this.#options.redisBatchMax) {
      void this.#read(node, asked.slice(at, at + this.#options.redisBatchMax));
    }
  }

  async #read(node: RedisNode, asked: readonly Asked[]): Promise<void> {
    const places = asked.length === 1 ? asked[0]?.place : Buffer.concat(asked.map((a) => a.place));
    const timeoutMs = this.#options.redisTimeoutHardMs;
    const reply = (await this.#guardOf(node).run(() =>
      node.run(READ, [node.markKey], [places as Buffer], timeoutMs),
    )) as [] | [Buffer, Buffer, Buffer, Buffer] | undefined;
    if (!reply || reply.length === 0) {
      this.stats.failed += asked.length;
      for (const one of asked) one.resolve(undefined);
      return;
    }
    const [keyspace, at, epoch, found] = reply;
    const mark: Mark = { keyspace, at: Number(at), epoch: epoch.toString() };
    let offset = 0;
    for (const one of asked) {
      const length = found[offset] as number;
      one.resolve(this.#readOf(node, mark, one, found.subarray(offset + 1, offset + 1 + length)));
      offset += 1 + length;
    }
  }

  #readOf(node: RedisNode, mark: Mark, { subject, place }: Asked, value: Buffer): LayerRead {
    const fill = (person: PersonRecord, xid: number, asOf: SourceMs) =>
      this.#fill(node, mark, { place, person, xid }, asOf);
    if (value.length === 0) {
      this.stats.misses += 1;
      return { hit: undefined, fill };
    }
    const envelope = decode(value, subject);
    if (!envelope) {
      this.stats.unreadable += 1;
      const { redisTimeoutHardMs } = this.#options;
      const bad = Buffer.from(value);
      void this.#guardOf(node).run(() =>
        node.run(DROP, [node.markKey], [place, bad], redisTimeoutHardMs),
      );
      return { hit: undefined, fill };
    }
    this.stats.hits += 1;
    return { hit: { ...envelope, asOf: mark.at, epoch: mark.epoch }, fill };
  }

  #fill(node: RedisNode, mark: Mark, { place, person, xid }: Fill, asOf: SourceMs): void {
    const packed = Buffer.allocUnsafe(PLACE_BYTES + 1 + ENVELOPE_BYTES_MAX);
    place.copy(packed);
    const length = encodeInto(packed, PLACE_BYTES + 1, person, xid);
    packed[PLACE_BYTES] = length;
    const args = [
      mark.keyspace,
      asOf,
      this.#options.fenceMs,
      mark.epoch,
      packed.subarray(0, PLACE_BYTES + 1 + length),
    ];
    this.stats.fills += 1;
    void this.#guardOf(node)
      .run(() => node.run(FILL, [node.markKey], args, this.#options.redisTimeoutHardMs))
      .then((written) => {
        if (written === undefined || written === -1) this.stats.fillsRefused += 1;
      });
  }
}
