// The domain. Imports nothing.

/** A person's opaque 128-bit id as 22 characters of base64url (canonical: the last one is A, Q, g or w). */
export type Subject = string;

/** First 16 bytes of the SHA-256 of a photo's bytes, written like a subject. */
export type PhotoId = string;

/** An area's id in the source: a positive integer. */
export type Area = number;

/** Milliseconds since 1970 on the source's clock. Never compare one with this process's own clock. */
export type SourceMs = number;

/** Ordered: green < yellow < red. There is no number for "unknown": that is not a color. */
export type Color = 1 | 2 | 3;
export const GREEN = 1;
export const YELLOW = 2;
export const RED = 3;

export const COLOR_NAMES = ['', 'green', 'yellow', 'red'] as const;
export type ColorName = 'green' | 'yellow' | 'red';

export const AREAS_MAX = 8;

/** What is kept of a person. `color` is their own; what is answered is the effective one. */
export interface PersonRecord {
  readonly subject: Subject;
  /** From one sequence in the source; a person's versions only grow. Below 2^53. */
  readonly version: number;
  readonly color: Color;
  readonly areas: readonly Area[];
  readonly photo: PhotoId | undefined;
}

/** An erased person, as the feed tells it. */
export interface Tombstone {
  readonly subject: Subject;
  readonly version: number;
  readonly erased: true;
}

export type LayerName = 'memory' | 'redis' | 'source';

export interface Found {
  readonly outcome: 'found';
  /** Effective: the worst of the person's own and the floors of their areas. */
  readonly color: Color;
  readonly photo: PhotoId | undefined;
  readonly version: number;
  /** The answer was true at some instant between `asOf` and the moment it was given. */
  readonly asOf: SourceMs;
  readonly ageMs: number;
  readonly stale: boolean;
  readonly layer: LayerName;
}

export interface Absent {
  readonly outcome: 'absent';
  readonly asOf: SourceMs;
}

export type UnavailableReason = 'source' | 'deadline' | 'not-yet' | 'starting' | 'draining';

export interface Unavailable {
  readonly outcome: 'unavailable';
  readonly reason: UnavailableReason;
}

export interface Shed {
  readonly outcome: 'shed';
}

export type Answer = Found | Absent | Unavailable | Shed;

/** The worst of the two. */
export function worse(a: Color, b: Color): Color {
  return a > b ? a : b;
}

/**
 * The effective color: the worst of the person's own and the floors of their areas.
 * @returns undefined when a floor is not known: that is never taken as green.
 */
export function effectiveColor(
  own: Color,
  floors: readonly (Color | undefined)[],
): Color | undefined {
  let color = own;
  for (const floor of floors) {
    if (floor === undefined) return undefined;
    color = worse(color, floor);
  }
  return color;
}

/** @returns undefined for anything but 'green', 'yellow' and 'red'. */
export function colorOf(name: string): Color | undefined {
  if (name === 'green') return GREEN;
  if (name === 'yellow') return YELLOW;
  if (name === 'red') return RED;
  return undefined;
}

export function colorName(color: Color): ColorName {
  return COLOR_NAMES[color] as ColorName;
}

const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** Whether this is a subject or photo id in its one canonical text form. */
export function isId(text: string): boolean {
  return text.length === 22 && ID.test(text);
}

export const ID_BYTES = 16;
const SIX_BITS = new Uint8Array(128);
[...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].forEach((char, bits) => {
  SIX_BITS[char.charCodeAt(0)] = bits;
});

/**
 * Writes an id's 16 bytes. By hand: each change has two, in every process, and a call out of JavaScript for each takes
 * more than twice as long.
 * @param id canonical, see {@link isId}
 */
export function writeId(to: Uint8Array, at: number, id: string): void {
  let end = at;
  for (let i = 0; i < 20; i += 4) {
    const bits =
      (sixBits(id, i) << 18) |
      (sixBits(id, i + 1) << 12) |
      (sixBits(id, i + 2) << 6) |
      sixBits(id, i + 3);
    to[end++] = bits >>> 16;
    to[end++] = bits >>> 8;
    to[end++] = bits;
  }
  to[end] = (sixBits(id, 20) << 2) | (sixBits(id, 21) >>> 4);
}

const sixBits = (id: string, i: number) => SIX_BITS[id.charCodeAt(i)] as number;

/** The id of which 16 bytes lie here. */
export const idAt = (from: Buffer, at: number) => from.base64urlSlice(at, at + ID_BYTES);

/** @param id canonical, see {@link isId} */
export function idToUuid(id: string): string {
  const hex = Buffer.from(id, 'base64url').toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const HEX = new Uint8Array(128);
for (let digit = 0; digit < 16; digit++) HEX[digit.toString(16).charCodeAt(0)] = digit;
const DASH = 0x2d;
const SCRATCH = Buffer.alloc(ID_BYTES);

/**
 * By hand: each row of the source and of its outbox has two.
 * @param uuid as PostgreSQL writes it
 */
export function uuidToId(uuid: string): string {
  for (let byte = 0, i = 0; byte < 16; byte++, i += 2) {
    if (uuid.charCodeAt(i) === DASH) i++;
    const [high, low] = [HEX[uuid.charCodeAt(i)] as number, HEX[uuid.charCodeAt(i + 1)] as number];
    SCRATCH[byte] = (high << 4) | low;
  }
  return idAt(SCRATCH, 0);
}
