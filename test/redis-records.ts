// What lies in Redis for a made person, to look at and to spoil.

import { type Envelope, encode } from '../lookup/layers/record-codec.ts';
import type { RedisNode, RedisNodes } from '../lookup/redis/nodes.ts';
import { readMark, readPlaces } from '../lookup/redis/records.ts';
import { PLACE_BYTES, placeInto, slotOfBucket } from '../lookup/redis/slots.ts';
import { idOf } from './service.ts';
import { until } from './wait.ts';

const TIMEOUT_MS = 1_000;

export class RedisRecords {
  readonly nodes: RedisNodes;

  constructor(nodes: RedisNodes) {
    this.nodes = nodes;
  }

  /** Until every master is connected. */
  reached(masters = 3): Promise<unknown> {
    const all = () =>
      this.nodes.masters.length === masters && this.nodes.masters.every((one) => one.connected);
    return until(all, { what: 'Redis is reached' });
  }

  nodeOf(n: number): RedisNode {
    return this.#placeOf(n).node;
  }

  /** The packed record; undefined when nothing lies there. */
  async get(n: number): Promise<Buffer | undefined> {
    const { node, place } = this.#placeOf(n);
    const [value] = (await readPlaces(node, [place], TIMEOUT_MS))?.values ?? [];
    return value?.length ? Buffer.from(value) : undefined;
  }

  /** Whatever it is, in the person's place. */
  async put(n: number, value: Buffer): Promise<void> {
    const { node, key, field } = await this.#keyOf(n);
    await node.command(['HSET', key, field, value], TIMEOUT_MS);
  }

  async drop(n: number): Promise<void> {
    const { node, key, field } = await this.#keyOf(n);
    await node.command(['HDEL', key, field], TIMEOUT_MS);
  }

  /** A sound record, of whatever version. */
  putRecord(n: number, person: Envelope['person'], xid = 3): Promise<void> {
    return this.put(n, encode(person, xid));
  }

  async #keyOf(n: number) {
    const { node, place, bucket } = this.#placeOf(n);
    const mark = await readMark(node, TIMEOUT_MS);
    return { node, key: `p${mark?.keyspace}:{${bucket}}`, field: place.subarray(3) };
  }

  #placeOf(n: number) {
    const place = Buffer.alloc(PLACE_BYTES);
    const bucket = placeInto(place, 0, idOf(n));
    const node = this.nodes.nodeOf(slotOfBucket(bucket));
    if (!node) throw new Error(`no node holds person ${n}`);
    return { node, place, bucket };
  }
}
