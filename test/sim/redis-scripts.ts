// What the scripts of lookup/redis/scripts.ts do, over one node's data in memory. sim/redis.test.ts holds each to a
// real Redis.

import type { RedisArg } from '../../lookup/redis/nodes.ts';
import type { Entry, RedisData } from './redis-data.ts';

/** Throws what Redis would answer as an error. */
export type ScriptOf = (
  data: RedisData,
  keys: readonly string[],
  args: readonly Buffer[],
) => unknown;

type Mark = readonly (Buffer | null)[];

const PLACE_BYTES = 9;
const ENVELOPE_MIN = 36;
const VERSION = 5;
const SUBJECT = 20;

const text = (value: Buffer | null | undefined) => value?.toString() ?? '';
const same = (a: Buffer | null | undefined, b: Buffer | undefined) =>
  a !== null && a !== undefined && b !== undefined && a.equals(b);
const number = (value: Buffer | null | undefined) => {
  if (!value) throw new Error('ERR attempt to compare nil with number');
  return Number(value.toString());
};

const keyOf = (keyspace: Buffer, place: Buffer, at: number) =>
  `p${keyspace}:{${place.readUIntBE(at, 3)}}`;
const fieldOf = (place: Buffer, at: number) => place.toString('latin1', at + 3, at + PLACE_BYTES);

export const MARK = ['keyspace', 'at', 'epoch', 'cursor', 'link', 'term'] as const;

/** @param isNewer whether what is there gives way */
export const putWith =
  (isNewer: (old: Buffer | undefined, value: Buffer) => boolean) =>
  (data: RedisData, keyspace: Buffer, packed: Buffer): number => {
    let written = 0;
    for (let at = 0; at < packed.length; ) {
      const length = packed[at + PLACE_BYTES] as number;
      const value = packed.subarray(at + PLACE_BYTES + 1, at + PLACE_BYTES + 1 + length);
      const [key, field] = [keyOf(keyspace, packed, at), fieldOf(packed, at)];
      if (isNewer(data.hget(key, field), value)) {
        data.hset(key, field, value);
        written += 1;
      }
      at += PLACE_BYTES + 1 + length;
    }
    return written;
  };

export const put = putWith(
  (old, value) =>
    !old ||
    old.length < ENVELOPE_MIN ||
    old[0] !== value[0] ||
    !old.subarray(SUBJECT, ENVELOPE_MIN).equals(value.subarray(SUBJECT, ENVELOPE_MIN)) ||
    old.readDoubleBE(VERSION) < value.readDoubleBE(VERSION),
);

const markOf = (data: RedisData, key: string): Mark =>
  MARK.map((name) => data.hget(key, name) ?? null);

function found(values: readonly (Buffer | undefined)[]): Buffer {
  const parts: Buffer[] = [];
  for (const value of values) {
    const whole = value && value.length < 256 ? value : Buffer.alloc(0);
    parts.push(Buffer.from([whole.length]), whole);
  }
  return Buffer.concat(parts);
}

const read: ScriptOf = (data, [key], [places]) => {
  const [keyspace, at, epoch] = markOf(data, key as string);
  if (!keyspace || !places) return [];
  const values: (Buffer | undefined)[] = [];
  for (let i = 0; i < places.length; i += PLACE_BYTES)
    values.push(data.hget(keyOf(keyspace, places, i), fieldOf(places, i)));
  return [keyspace, at, epoch, found(values)];
};

const readMark: ScriptOf = (data, [key]) => {
  const [keyspace, ...rest] = markOf(data, key as string);
  return keyspace ? [keyspace, ...rest.slice(0, 3)] : [];
};

const readBuckets: ScriptOf = (data, [key], [buckets]) => {
  const [keyspace, at, epoch] = markOf(data, key as string);
  if (!keyspace || !buckets) return [];
  const values: Buffer[] = [];
  for (let i = 0; i < buckets.length; i += 3)
    values.push(...data.hgetall(keyOf(keyspace, buckets, i)).map(([, value]) => value));
  return [keyspace, at, epoch, found(values.filter((value) => value.length < 256))];
};

export interface FillRules {
  readonly keyspace: boolean;
  readonly age: boolean;
}

export const fillWith =
  (rules: FillRules, write = put): ScriptOf =>
  (data, [key], [keyspace, asOf, fenceMs, epoch, packed]) => {
    const [nowIn, at, ofEpoch] = markOf(data, key as string);
    if (!nowIn || (rules.keyspace && !same(nowIn, keyspace))) return -1;
    if (!same(ofEpoch, epoch)) return -1;
    if (rules.age && number(at) - number(asOf) > number(fenceMs)) return -1;
    return write(data, nowIn, packed as Buffer);
  };

const drop: ScriptOf = (data, [key], [place, value]) => {
  const [keyspace] = markOf(data, key as string);
  if (!keyspace || !place) return 0;
  const [bucket, field] = [keyOf(keyspace, place, 0), fieldOf(place, 0)];
  return same(data.hget(bucket, field), value) ? data.hdel(bucket, field) : 0;
};

export const relayWriteWith =
  (rules: { readonly link: boolean }, write = put): ScriptOf =>
  (data, keys, [term, before, link, packed, at, epoch, cursor]) => {
    const key = keys[0] as string;
    const mark = markOf(data, key);
    if (!mark[0] || (rules.link && !same(mark[4], before))) return mark;
    if (number(mark[5]) > number(term)) return mark;
    write(data, mark[0], packed as Buffer);
    data.hset(key, 'link', link as Buffer);
    data.hset(key, 'term', term as Buffer);
    if (at) {
      data.hset(key, 'at', at);
      data.hset(key, 'epoch', epoch as Buffer);
      data.hset(key, 'cursor', cursor as Buffer);
    }
    return Buffer.from('ok');
  };

const claimNode: ScriptOf = (data, keys, [term, link]) => {
  const key = keys[0] as string;
  const mark = markOf(data, key);
  if (!mark[0]) return [];
  if (number(mark[5]) > number(term)) return Buffer.from('later');
  data.hset(key, 'link', link as Buffer);
  data.hset(key, 'term', term as Buffer);
  return mark;
};

const beginNode: ScriptOf = (data, keys, args) => {
  const key = keys[0] as string;
  const was = data.hget(key, 'term');
  if (was && number(was) > number(args[0])) return Buffer.from('later');
  for (const [i, name] of ['term', 'link', 'keyspace', 'at', 'epoch', 'cursor'].entries())
    data.hset(key, name, args[i] as Buffer);
  return Buffer.from('ok');
};

const sweep: ScriptOf = (data, [key], [packed]) => {
  const [keyspace] = markOf(data, key as string);
  if (!keyspace || !packed) return 0;
  let removed = 0;
  for (let at = 0; at < packed.length; at += PLACE_BYTES + 8) {
    const [bucket, field] = [keyOf(keyspace, packed, at), fieldOf(packed, at)];
    const old = data.hget(bucket, field);
    if (!old || old.length < ENVELOPE_MIN) continue;
    if (old.readDoubleBE(VERSION) > packed.readDoubleBE(at + PLACE_BYTES)) continue;
    removed += data.hdel(bucket, field);
  }
  return removed;
};

const part = (entry: Entry | undefined, name: string) => entry?.fields.get(name) ?? Buffer.alloc(0);

const claimFeed: ScriptOf = (data, [stream, head], [term, holder]) => {
  const was = data.hget(head as string, 'term');
  const standing = was ? number(was) : 0;
  const last = data.last(stream as string);
  const tail = [part(last, 'id'), part(last, 'about')];
  const other = standing === number(term) && !same(data.hget(head as string, 'holder'), holder);
  if (standing > number(term) || other)
    return [Buffer.from('later'), Buffer.from(String(standing)), ...tail];
  data.hset(head as string, 'term', term as Buffer);
  data.hset(head as string, 'holder', holder as Buffer);
  return [Buffer.from('ok'), term, ...tail];
};

export const appendWith =
  (rules: { readonly chain: boolean }): ScriptOf =>
  (
    data,
    [stream, head, floors],
    [term, holder, before, id, number, about, people, most, all, ...pairs],
  ) => {
    const leads =
      same(data.hget(head as string, 'term'), term) &&
      same(data.hget(head as string, 'holder'), holder);
    if (!leads) return Buffer.from('later');
    const identity = part(data.last(stream as string), 'id');
    if (rules.chain && !same(identity, before)) return Buffer.from('broken');
    const fields = { id, before: before as Buffer, about, people } as Record<string, Buffer>;
    data.xadd(stream as string, `${text(term)}-${text(number)}`, fields, Number(text(most)));
    if (text(all) === 'all') data.del(floors as string);
    for (let i = 0; i < pairs.length; i += 2)
      data.hset(floors as string, text(pairs[i]), pairs[i + 1] as Buffer);
    return Buffer.from('ok');
  };

const position: ScriptOf = (data, [stream, floors]) => {
  const last = data.last(stream as string);
  if (!last) return [];
  const all = data.hgetall(floors as string).flatMap(([name, value]) => [Buffer.from(name), value]);
  return [Buffer.from(last.id), part(last, 'id'), part(last, 'about'), all];
};

/** By the scripts' names. */
export const SCRIPTS: Readonly<Record<string, ScriptOf>> = {
  read,
  'read-mark': readMark,
  'read-buckets': readBuckets,
  fill: fillWith({ keyspace: true, age: true }),
  drop,
  'relay-write': relayWriteWith({ link: true }),
  'claim-node': claimNode,
  'begin-node': beginNode,
  sweep,
  'claim-feed': claimFeed,
  append: appendWith({ chain: true }),
  position,
};

export const bytesOf = (arg: RedisArg): Buffer =>
  Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
