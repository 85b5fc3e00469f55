// How a record lies in Redis and travels on the feed. Big-endian; changed only together with FORMAT.
//
//   0   format (1 byte)
//   1   CRC-32 of all that follows
//   5   version, float64: a script there compares it as a number
//   13  the transaction that wrote it, 6 bytes
//   19  own color (bits 0-1; 0: erased), has a photo (bit 2), count of areas (bits 3-6)
//   20  subject, 16 bytes: what is asked for is compared with what is found
//   36  photo, 16 bytes, if any
//   ..  areas, each 7 bits a byte, lowest first

import { crc32 } from 'node:zlib';
import {
  AREAS_MAX,
  type Area,
  type Color,
  ID_BYTES,
  idAt,
  type PersonRecord,
  type Subject,
  type Tombstone,
  writeId,
} from '../health-code.ts';

export const FORMAT = 1;
const CHECKED_FROM = 5;
const VERSION = 5;
const XID = 13;
const META = 19;
const SUBJECT = 20;
const PHOTO = 36;
const COLOR_BITS = 0b11;
const HAS_PHOTO = 0b100;
const COUNT_SHIFT = 3;
/** Area ids are PostgreSQL integers: 31 bits, five bytes. */
const AREA_BYTES_MAX = 5;
/** Fits the one byte that says how long a packed envelope is. */
export const ENVELOPE_BYTES_MAX = PHOTO + ID_BYTES + AREAS_MAX * AREA_BYTES_MAX;

export interface Envelope {
  readonly person: PersonRecord | Tombstone;
  /** The transaction that wrote this version. */
  readonly xid: number;
}

/** Writes the envelope at an offset. @returns its length in bytes */
export function encodeInto(
  to: Buffer,
  at: number,
  person: Envelope['person'],
  xid: number,
): number {
  to[at] = FORMAT;
  to.writeDoubleBE(person.version, at + VERSION);
  to.writeUIntBE(xid, at + XID, 6);
  writeId(to, at + SUBJECT, person.subject);
  let end = at + PHOTO;
  if ('erased' in person) {
    to[at + META] = 0;
  } else {
    to[at + META] =
      person.color | (person.photo ? HAS_PHOTO : 0) | (person.areas.length << COUNT_SHIFT);
    if (person.photo) {
      writeId(to, end, person.photo);
      end += ID_BYTES;
    }
    for (const area of person.areas) end = writeArea(to, end, area);
  }
  to.writeUInt32BE(crc32(to.subarray(at + CHECKED_FROM, end)), at + 1);
  return end - at;
}

export function encode(person: Envelope['person'], xid: number): Buffer {
  const to = Buffer.allocUnsafe(ENVELOPE_BYTES_MAX);
  return to.subarray(0, encodeInto(to, 0, person, xid));
}

/**
 * @param asked who was asked for; undefined where the envelope itself says whom it is about (the feed)
 * @returns undefined for anything that is not this subject's whole envelope in this format
 */
export function decode(from: Buffer, asked?: Subject): Envelope | undefined {
  if (from.length < PHOTO || from[0] !== FORMAT) return undefined;
  if (crc32(from.subarray(CHECKED_FROM)) !== from.readUInt32BE(1)) return undefined;
  const inside = idAt(from, SUBJECT);
  if (asked !== undefined && inside !== asked) return undefined;
  // The caller's own text, of which maps know the hash already.
  const subject = asked ?? inside;
  const version = from.readDoubleBE(VERSION);
  const xid = from.readUIntBE(XID, 6);
  const meta = from[META] as number;
  const color = meta & COLOR_BITS;
  if (!Number.isSafeInteger(version) || version <= 0) return undefined;
  if (color === 0) return { person: { subject, version, erased: true }, xid };
  const hasPhoto = (meta & HAS_PHOTO) !== 0;
  const areasFrom = hasPhoto ? PHOTO + ID_BYTES : PHOTO;
  if (from.length < areasFrom) return undefined;
  const areas = readAreas(from, areasFrom, meta >> COUNT_SHIFT);
  if (!areas) return undefined;
  const photo = hasPhoto ? idAt(from, PHOTO) : undefined;
  return { person: { subject, version, color: color as Color, areas, photo }, xid };
}

function writeArea(to: Buffer, at: number, area: Area): number {
  let rest = area;
  let end = at;
  while (rest > 0x7f) {
    to[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  to[end++] = rest;
  return end;
}

function readAreas(from: Buffer, at: number, count: number): Area[] | undefined {
  const areas: Area[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    let area = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = from[end++];
      if (byte === undefined || shift > 28) return undefined;
      area |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    areas.push(area);
  }
  return end === from.length ? areas : undefined;
}
