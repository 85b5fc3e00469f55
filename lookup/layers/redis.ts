// L2: the records of all people, in Redis Cluster. Reads of one turn of the event loop go to each node as one script
// call, which brings the node's mark along: how far its records are. A node that is away, or whose mark is missing, is
// a miss for its people and for nobody else. One that is slow is told to be: the source may be asked meanwhile.

import { settledWithin } from '../guards/timeout.ts';
import type { Subject } from '../health-code.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { READ } from '../redis/scripts.ts';
import { PLACE_BYTES, placeInto, slotOfBucket } from '../redis/slots.ts';
import type { Layer, LayerHit, LayerLate, LayerRead } from './layer.ts';
import { decode } from './record-codec.ts';
import {
  type CallGuard,
  type FillStats,
  Found,
  type FoundOptions,
  type Mark,
} from './redis-found.ts';

export interface RedisLayerOptions extends FoundOptions {
  readonly redisTimeoutSoftMs: number;
  readonly redisBatchMax: number;
  /** People who wait for one node; further ones are a miss at once. */
  readonly redisQueueMax: number;
}

export interface RedisLayerStats extends FillStats {
  reads: number;
  hits: number;
  misses: number;
  /** not asked, or not answered */
  failed: number;
  /** torn, foreign, of another format: repaired */
  unreadable: number;
}

interface Asked {
  readonly subject: Subject;
  readonly resolve: (read: LayerRead | LayerLate | undefined) => void;
}

/** What goes to one node as one call: who is asked for, and where each of them lies there. */
interface Call {
  readonly node: RedisNode;
  readonly asked: Asked[];
  readonly places: Buffer;
}

/** What waits for one node until the end of this turn of the loop. */
interface Waiting {
  calls: Call[];
  count: number;
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

  get(subject: Subject): Promise<LayerRead | LayerLate | undefined> {
    const node = this.#nodes.nodeOf(slotOfBucket(placeInto(PLACE, 0, subject)));
    this.stats.reads += 1;
    const call = node && this.#callTo(node);
    if (!call) {
      this.stats.failed += 1;
      return Promise.resolve(undefined);
    }
    call.places.set(PLACE, call.asked.length * PLACE_BYTES);
    return new Promise((resolve) => call.asked.push({ subject, resolve }));
  }

  /** @returns one with room for another person; undefined when too many wait for this node */
  #callTo(node: RedisNode): Call | undefined {
    const { redisBatchMax, redisQueueMax } = this.#options;
    let waiting = this.#waiting.get(node);
    if (!waiting) {
      waiting = { calls: [], count: 0 };
      this.#waiting.set(node, waiting);
    }
    if (waiting.count >= redisQueueMax) return undefined;
    if (waiting.count === 0) setImmediate(() => this.#send(node));
    let call = waiting.calls.at(-1);
    if (!call || call.asked.length === redisBatchMax) {
      call = { node, asked: [], places: Buffer.allocUnsafe(redisBatchMax * PLACE_BYTES) };
      waiting.calls.push(call);
    }
    waiting.count += 1;
    return call;
  }

  #send(node: RedisNode): void {
    const waiting = this.#waiting.get(node) as Waiting;
    const { calls } = waiting;
    waiting.calls = [];
    waiting.count = 0;
    for (const call of calls) void this.#read(call);
  }

  async #read(call: Call): Promise<void> {
    const { redisTimeoutSoftMs: softMs, redisTimeoutHardMs: hardMs } = this.#options;
    const reading = this.#reads(call);
    const reads = await settledWithin(reading, softMs, SLOW);
    if (reads !== SLOW) {
      for (const [i, { resolve }] of call.asked.entries()) resolve(reads?.[i]);
      return;
    }
    // The guard may hold a call back before it is sent: nobody waits for longer all the same.
    const late = settledWithin(reading, hardMs - softMs, undefined);
    for (const [i, { resolve }] of call.asked.entries())
      resolve({ late: late.then((all) => all?.[i]) });
  }

  /** @returns one for each who is asked for, in their order; undefined when the node does not say */
  async #reads(call: Call): Promise<LayerRead[] | undefined> {
    const { node, asked, places } = call;
    const sent = places.subarray(0, asked.length * PLACE_BYTES);
    const guard = this.#guardOf(node);
    const reply = (await guard.run(() =>
      node.run(READ, [node.markKey], [sent], this.#options.redisTimeoutHardMs),
    )) as [] | [Buffer, Buffer, Buffer, Buffer] | undefined;
    if (!reply || reply.length === 0) {
      this.stats.failed += asked.length;
      return undefined;
    }
    const [keyspace, at, epoch, values] = reply;
    const mark: Mark = { keyspace, at: Number(at), epoch: epoch.toString() };
    const found = new Found(call, mark, guard, this.stats, this.#options);
    let offset = 0;
    return asked.map(({ subject }, i) => {
      const end = offset + 1 + (values[offset] as number);
      const hit = this.#hitIn(found, i, values.subarray(offset + 1, end), subject);
      offset = end;
      return found.read(i, hit);
    });
  }

  #hitIn(found: Found, index: number, value: Buffer, subject: Subject): LayerHit | undefined {
    if (value.length === 0) {
      this.stats.misses += 1;
      return undefined;
    }
    const envelope = decode(value, subject);
    if (!envelope) {
      this.stats.unreadable += 1;
      found.drop(index, Buffer.from(value));
      return undefined;
    }
    this.stats.hits += 1;
    const { person, xid } = envelope;
    const { at: asOf, epoch } = found.mark;
    return { person, xid, asOf, epoch };
  }
}

const SLOW = Symbol('slow');
/** Where the last one asked for lies; copied at once. */
const PLACE = Buffer.alloc(PLACE_BYTES);
