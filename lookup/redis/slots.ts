// Where a record lies: a bucket of 2^18, each a Redis hash of about 115 people at 30 million, whose field names the
// subject by 6 bytes. Small hashes cost about half of what as many plain strings do.

import { ID_BYTES, type Subject, writeId } from '../health-code.ts';

export const BUCKETS = 2 ** 18;
export const SLOTS = 16_384;
export const FIELD_BYTES = 6;

const CRC = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  CRC[byte] = crc;
}

/**
 * A key's hash slot, by what stands between its first braces. CRC-16/XMODEM, as the Redis Cluster specification says.
 */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const tag = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (let i = 0; i < tag.length; i++) {
    crc = ((crc << 8) & 0xffff) ^ (CRC[((crc >> 8) ^ tag.charCodeAt(i)) & 0xff] as number);
  }
  return crc % SLOTS;
}

let slots: Uint16Array | undefined;

/** The slot of a bucket; the table is made when it is first asked for (about 30 ms). */
export function slotOfBucket(bucket: number): number {
  slots ??= Uint16Array.from({ length: BUCKETS }, (_, i) => slotOf(`${i}`));
  return slots[bucket] as number;
}

const tags: string[] = [];

/** A text that hashes to this slot. */
export function tagOf(slot: number): string {
  for (let n = 0; tags[slot] === undefined; n++) {
    const text = n.toString(36);
    tags[slotOf(text)] ??= text;
  }
  return tags[slot] as string;
}

const ID = new Uint8Array(ID_BYTES);
const ID_VIEW = new DataView(ID.buffer);

/**
 * Writes where a subject's record lies: 3 bytes of bucket, 6 of field. Subjects may be numbered in order, so both come
 * from a hash of all of it. Two people with one place share it as a cache line is shared: each misses when the other
 * is there.
 * @returns the bucket
 */
export function placeInto(to: Buffer, at: number, subject: Subject): number {
  writeId(ID, 0, subject);
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (let i = 0; i < ID_BYTES; i += 4) {
    // Where a record lies must not depend on the machine that asks.
    const word = ID_VIEW.getInt32(i, true);
    a = Math.imul(a ^ word, 0xcc9e2d51);
    a ^= a >>> 15;
    b = Math.imul(b ^ word, 0x1b873593);
    b ^= b >>> 13;
    b = Math.imul(b, 5) + a;
  }
  a = Math.imul(a ^ (b >>> 16), 0x2c1b3c6d);
  b = Math.imul(b ^ (a >>> 15), 0x297a2d39);
  a ^= b >>> 13;
  const bucket = a & (BUCKETS - 1);
  to[at] = bucket >>> 16;
  to[at + 1] = bucket >>> 8;
  to[at + 2] = bucket;
  to.writeInt32BE(b | 0, at + 3);
  to.writeUInt16BE(a >>> 16, at + 7);
  return bucket;
}

export const PLACE_BYTES = 9;
