// The made people of a city, each computed from their number alone: whoever makes them for the source and whoever
// judges an answer about them hold the same formula, and nobody holds a list. It runs in Node and in k6, so it imports
// nothing, and all of it is whole numbers: no two engines round them differently.

/** Unless told. */
export const SEED = 1;
export const AREAS = 330;
/** One person in so many has a photo whose bytes exist; all others have an id alone. */
export const PHOTO_BYTES_EVERY = 500;

export interface Person {
  /** 22 characters of base64url. */
  readonly subject: string;
  /** Their own: 1 green, 2 yellow, 3 red. 97, 2 and 1 in a hundred. */
  readonly color: number;
  /** One or two, from 1 to {@link AREAS}. */
  readonly areas: readonly number[];
  /** 22 characters of base64url, nobody else's. Undefined: the hash of bytes that exist, see portrait.ts. */
  readonly photo: string | undefined;
}

// What is drawn of a person, each from numbers of its own.
const [SUBJECT, TRAITS, PHOTO, HOME, WORK, CHANGED] = [1, 2, 3, 4, 5, 6];

/** All 32 bits change with each; no two numbers become the same one. */
export function mix(n: number): number {
  let x = n;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

const draw = (index: number, seed: number, what: number) => mix(index ^ mix(seed * 16 + what));

/** @param index from 0, below 2^32 @param seed from 0, below 2^28 */
export function personAt(index: number, seed: number): Person {
  return {
    subject: subjectAt(index, seed),
    color: colorAt(index, seed),
    areas: areasAt(index, seed),
    photo: photoAt(index, seed),
  };
}

/** As {@link Person} has it. */
export const photoAt = (index: number, seed: number): string | undefined =>
  hasBytes(index, seed) ? undefined : idOf(draw(index, seed, PHOTO));

export const subjectAt = (index: number, seed: number): string => idOf(draw(index, seed, SUBJECT));

export function colorAt(index: number, seed: number): number {
  const part = draw(index, seed, TRAITS) % 100;
  return part < 97 ? 1 : part < 99 ? 2 : 3;
}

export const hasBytes = (index: number, seed: number): boolean =>
  mix(draw(index, seed, TRAITS)) % PHOTO_BYTES_EVERY === 0;

/** One person in three is tied to a second one. */
export function areasAt(index: number, seed: number): number[] {
  const home = AREA_OF[draw(index, seed, HOME) % SLOTS] as number;
  const work = draw(index, seed, WORK);
  const second = AREA_OF[Math.floor(work / 3) % SLOTS] as number;
  return work % 3 === 0 && second !== home ? [home, second] : [home];
}

/** The id that replaces somebody's photo: of a scenario's change, not of a person. Its bytes do not exist. */
export const changedPhoto = (change: number, seed: number): string =>
  idOf(draw(change, seed, CHANGED));

const SLOTS = 4_096;
/** Of the slots: with those who only work there, a tenth of the city. */
const LARGEST = 310;
const AREA_OF = dealtAreas();

/** The first area is the largest; the others grow smaller as 1/n does, down to a thousandth of the city. */
function dealtAreas(): Uint16Array {
  const slots = new Uint16Array(SLOTS).fill(1);
  let sum = 0;
  for (let area = 2; area <= AREAS; area++) sum += weightOf(area);
  let passed = 0;
  let at = LARGEST;
  for (let area = 2; area <= AREAS; area++) {
    passed += weightOf(area);
    const end = LARGEST + Math.floor(((SLOTS - LARGEST) * passed) / sum);
    while (at < end) slots[at++] = area;
  }
  return slots;
}

function weightOf(area: number): number {
  return Math.floor(1_000_000 / (area + 3));
}

/** 128 bits of which the first 32 are `first`: what differs in `first` differs. @returns 22 characters of base64url */
function idOf(first: number): string {
  const b = mix(first + 0x9e3779b9);
  const c = mix(b ^ 0x85ebca6b);
  const d = mix(c + 0xc2b2ae35);
  return textOf(first, b, c, d);
}

/** Four times 32 bits as 22 characters. */
export type IdText = (a: number, b: number, c: number, d: number) => string;

let textOf: IdText = plainText;

/** For an engine that makes the same text faster by other means. */
export function makeIdsBy(faster: IdText): void {
  textOf = faster;
}

function plainText(a: number, b: number, c: number, d: number): string {
  const text = six(a >>> 26) + six(a >>> 20) + six(a >>> 14) + six(a >>> 8) + six(a >>> 2);
  return (
    text +
    six((a << 4) | (b >>> 28)) +
    (six(b >>> 22) + six(b >>> 16) + six(b >>> 10) + six(b >>> 4)) +
    six((b << 2) | (c >>> 30)) +
    (six(c >>> 24) + six(c >>> 18) + six(c >>> 12) + six(c >>> 6) + six(c)) +
    (six(d >>> 26) + six(d >>> 20) + six(d >>> 14) + six(d >>> 8) + six(d >>> 2)) +
    six((d & 3) << 4)
  );
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const six = (bits: number) => ALPHABET[bits & 63] as string;

/** Of people 0 to `count` - 1: the same wherever the formula is the same. */
export function checksum(count: number, seed: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const { subject, color, areas, photo = '' } = personAt(index, seed);
    const text = `${subject}${color}${areas.join('|')}${photo}`;
    for (let i = 0; i < text.length; i++) sum = mix((sum + text.charCodeAt(i)) | 0);
  }
  return sum;
}

/** Of the first 1,000 people of seed 1. */
export const CHECKSUM = 1_682_358_087;
