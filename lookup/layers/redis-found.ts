// What one call to a Redis node brought, and what is written back for one of its people: the record that was read from
// the source instead, or the removal of what could not be read.

import type { PersonRecord, SourceMs } from '../health-code.ts';
import type { RedisNode } from '../redis/nodes.ts';
import { DROP, FILL } from '../redis/scripts.ts';
import { PLACE_BYTES } from '../redis/slots.ts';
import type { LayerHit, LayerRead } from './layer.ts';
import { ENVELOPE_BYTES_MAX, encodeInto } from './record-codec.ts';

/** One for each node. */
export interface CallGuard {
  run<T>(call: () => Promise<T>): Promise<T | undefined>;
}

/** How far the node's records are. */
export interface Mark {
  readonly keyspace: Buffer;
  readonly at: SourceMs;
  readonly epoch: string;
}

export interface FillStats {
  fills: number;
  fillsRefused: number;
}

export interface FoundOptions {
  readonly redisTimeoutHardMs: number;
  readonly fenceMs: number;
}

/** All who were in one call share it. */
export class Found {
  readonly mark: Mark;
  readonly #node: RedisNode;
  readonly #places: Buffer;
  readonly #guard: CallGuard;
  readonly #stats: FillStats;
  readonly #options: FoundOptions;

  /** @param places of all in the call, in their order */
  constructor(
    { node, places }: { readonly node: RedisNode; readonly places: Buffer },
    mark: Mark,
    guard: CallGuard,
    stats: FillStats,
    options: FoundOptions,
  ) {
    this.mark = mark;
    this.#node = node;
    this.#places = places;
    this.#guard = guard;
    this.#stats = stats;
    this.#options = options;
  }

  read(index: number, hit: LayerHit | undefined): LayerRead {
    return new PersonRead(this, index, hit);
  }

  /** Removes exactly this value. */
  drop(index: number, value: Buffer): void {
    const args = [this.#placeOf(index), value];
    void this.#guard.run(() =>
      this.#node.run(DROP, [this.#node.markKey], args, this.#options.redisTimeoutHardMs),
    );
  }

  fill(index: number, person: PersonRecord, xid: number, asOf: SourceMs): void {
    const packed = Buffer.allocUnsafe(PLACE_BYTES + 1 + ENVELOPE_BYTES_MAX);
    packed.set(this.#placeOf(index));
    const length = encodeInto(packed, PLACE_BYTES + 1, person, xid);
    packed[PLACE_BYTES] = length;
    const { keyspace, epoch } = this.mark;
    const record = packed.subarray(0, PLACE_BYTES + 1 + length);
    const args = [keyspace, asOf, this.#options.fenceMs, epoch, record];
    this.#stats.fills += 1;
    void this.#guard
      .run(() => this.#node.run(FILL, [this.#node.markKey], args, this.#options.redisTimeoutHardMs))
      .then((written) => {
        if (written === undefined || written === -1) this.#stats.fillsRefused += 1;
      });
  }

  #placeOf(index: number): Buffer {
    return this.#places.subarray(index * PLACE_BYTES, (index + 1) * PLACE_BYTES);
  }
}

/** One person's part of it. */
class PersonRead implements LayerRead {
  readonly hit: LayerHit | undefined;
  readonly found: Found;
  readonly index: number;

  constructor(found: Found, index: number, hit: LayerHit | undefined) {
    this.hit = hit;
    this.found = found;
    this.index = index;
  }

  fill(person: PersonRecord, xid: number, asOf: SourceMs): void {
    this.found.fill(this.index, person, xid, asOf);
  }
}
