// Tokens that were found good, each with what its bearer was answered last. Outside the garbage collector's sight:
// there are hundreds of thousands, most of them used once or twice, and all of them would be walked through.
//
// Two rings that go round together: places of one size, and entries as long as their token. Who came longest ago leaves
// first; who was seen since is the newest once more. Layout of a place, 48 bytes:
//
//   0  good until, in seconds of the wall clock    float64
//   8  version that was answered                   float64
//   16 hash of the token                           int32
//   20 the next of the same bucket, counted from 1 int32
//   24 where its entry begins                      uint32
//   28 length of the token; 0: forgotten           int32
//   32 slot of its person in memory; -1: nowhere   int32
//   36 what the last body was made for; -1: none   int32
//   40 length of the body that is kept             int32
//   44 whether it was found since it was the newest int32
//
// An entry is the subject's 16 bytes, then the token as it is spelled. A body has its room by the place.

import { ID_BYTES, idAt, type Subject, writeId } from '../health-code.ts';
import type { SubjectRates } from './subject-rates.ts';

export interface TokenMemoryOptions {
  readonly tokensMax: number;
  /** Longer ones are not remembered. */
  readonly lengthMax: number;
}

/** Where a token lies: never another's, whenever it is used. One that was forgotten is only not there any more. */
export type Place = number;
export const NOWHERE: Place = -1;

const STRIDE = 48;
const NUMBERS = STRIDE / 8;
const EXPIRES = 0;
const VERSION = 1;
const NUMBERS_TOLD = 2;
const WORDS = STRIDE / 4;
const HASH = 4;
const NEXT = 5;
const AT = 6;
const LENGTH = 7;
const SLOT = 8;
const BODY_KEY = 9;
const BODY_LENGTH = 10;
const SEEN = 11;

/** Room for an entry, in the mean: where tokens are longer, fewer are remembered. */
const ENTRY_BYTES = 512;
/** The longest body: a photo's address with the longest key id. Longer ones are not kept. */
const BODY_BYTES = 160;
/** Who were seen since, that may come again for one who is added: no addition takes long. */
const CHANCES_MOST = 8;
/** Characters of a token's end: a part of its signature, which nobody chooses. */
const HASHED = 16;
/** Bytes of one UTF-16 unit, at most: of what is read nothing is cut off. */
const UTF8_MOST = 3;

export class TokenMemory {
  readonly #lengthMax: number;
  readonly #placesMax: number;
  readonly #numbers: Float64Array;
  readonly #words: Int32Array;
  readonly #starts: Uint32Array;
  readonly #entries: Buffer;
  readonly #bodies: Buffer;
  readonly #buckets: Int32Array;
  /** An entry: who asks now. */
  readonly #asking: Buffer;
  /** Places that are in use, from the first to before the next. */
  #first = 0;
  #next = 0;
  #end = 0;
  #size = 0;

  constructor({ tokensMax, lengthMax }: TokenMemoryOptions) {
    this.#lengthMax = lengthMax;
    this.#placesMax = tokensMax;
    // Untouched pages of a fresh allocation cost no memory: all of it grows as it fills.
    const places = new ArrayBuffer(tokensMax * STRIDE);
    this.#numbers = new Float64Array(places);
    this.#words = new Int32Array(places);
    this.#starts = new Uint32Array(places);
    const longest = ID_BYTES + lengthMax;
    this.#entries = Buffer.from(new ArrayBuffer(Math.max(longest, tokensMax * ENTRY_BYTES)));
    this.#bodies = Buffer.from(new ArrayBuffer(tokensMax * BODY_BYTES));
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(tokensMax)));
    this.#asking = Buffer.alloc(ID_BYTES + UTF8_MOST * lengthMax);
  }

  /** Tokens remembered. */
  get size(): number {
    return this.#size;
  }

  /** @returns its place, or NOWHERE */
  find(token: string): Place {
    const { length } = token;
    const hash = hashOf(token);
    for (let n = this.#bucketOf(hash) - 1; n >= 0; n = this.#word(n, NEXT) - 1) {
      if (this.#word(n, HASH) !== hash || this.#word(n, LENGTH) !== length) continue;
      // Who is not remembered is not even read.
      this.#read(token);
      if (!this.#isSpelled(n, length)) continue;
      this.#words[n * WORDS + SEEN] = 1;
      return this.#placeOf(n);
    }
    return NOWHERE;
  }

  /**
   * For a token that was verified, and is not there.
   * @returns its place; NOWHERE when it is too long, or spelled as no token is
   */
  add(token: string, subject: Subject, expiresWallS: number): Place {
    const length = this.#read(token);
    if (length === 0) return NOWHERE;
    writeId(this.#asking, 0, subject);
    const n = this.#append(length, hashOf(token));
    const number = n * NUMBERS;
    this.#numbers[number + EXPIRES] = expiresWallS;
    this.#numbers[number + VERSION] = 0;
    this.#words[n * WORDS + SLOT] = -1;
    this.#words[n * WORDS + BODY_KEY] = -1;
    this.#words[n * WORDS + BODY_LENGTH] = 0;
    return this.#next - 1;
  }

  delete(place: Place): void {
    if (this.#holds(place)) this.#forget(place % this.#placesMax);
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#first = this.#next;
    this.#size = 0;
  }

  // --- of one that was just found or added

  subject(place: Place): Subject {
    return idAt(this.#entries, this.#startOf(place % this.#placesMax));
  }

  expiresWallS(place: Place): number {
    return this.#numberAt(place, EXPIRES);
  }

  slot(place: Place): number {
    return this.#word(place % this.#placesMax, SLOT);
  }

  version(place: Place): number {
    return this.#numberAt(place, VERSION);
  }

  /** @returns whether one more question of its bearer is within their rate: counted, if it is */
  allows(place: Place, rates: SubjectRates, nowMonoMs: number): boolean {
    return rates.allow(this.#entries, this.#startOf(place % this.#placesMax), nowMonoMs);
  }

  // --- what is answered, at once or later: it may have been forgotten meanwhile

  /**
   * Keeps what its bearer is told.
   * @param slot where memory holds the person; -1: nowhere
   * @param bodyKey all that the body depends on besides the version, a natural number below 2^31
   * @returns whether the same was told last: then the body is worth keeping
   */
  tell(place: Place, slot: number, version: number, bodyKey: number): boolean {
    if (!this.#holds(place)) return false;
    const n = place % this.#placesMax;
    const number = n * NUMBERS + VERSION;
    const word = n * WORDS;
    const isSame = this.#numbers[number] === version && this.#words[word + BODY_KEY] === bodyKey;
    this.#words[word + SLOT] = slot;
    this.#numbers[number] = version;
    this.#words[word + BODY_KEY] = bodyKey;
    if (!isSame) this.#words[word + BODY_LENGTH] = 0;
    return isSame;
  }

  /** @returns the body that was kept since the last that differed; its bytes are the place's own, to be written on */
  body(place: Place): Buffer | undefined {
    const n = place % this.#placesMax;
    const length = this.#word(n, BODY_LENGTH);
    const at = n * BODY_BYTES;
    return length === 0 ? undefined : this.#bodies.subarray(at, at + length);
  }

  /**
   * For who was told the same before.
   * @param body latin1; what has no room is made anew each time
   * @returns its bytes, to be written on
   */
  keepBody(place: Place, body: string): Buffer {
    const { length } = body;
    if (length > BODY_BYTES) return Buffer.from(body, 'latin1');
    const n = place % this.#placesMax;
    const at = n * BODY_BYTES;
    this.#bodies.latin1Write(body, at, length);
    this.#words[n * WORDS + BODY_LENGTH] = length;
    return this.#bodies.subarray(at, at + length);
  }

  // --- the rings

  #holds(place: Place): boolean {
    return place >= this.#first && this.#word(place % this.#placesMax, LENGTH) > 0;
  }

  #numberAt(place: Place, which: number): number {
    return this.#numbers[(place % this.#placesMax) * NUMBERS + which] as number;
  }

  #word(n: number, which: number): number {
    return this.#words[n * WORDS + which] as number;
  }

  #startOf(n: number): number {
    return this.#starts[n * WORDS + AT] as number;
  }

  #bucketOf(hash: number): number {
    return this.#buckets[hash & (this.#buckets.length - 1)] as number;
  }

  /** Brings the token's bytes to where an entry has them. @returns their number; 0 when none could be remembered */
  #read(token: string): number {
    const { length } = token;
    if (length > this.#lengthMax) return 0;
    // As many bytes as characters: all of them are ASCII, so the same bytes are the same token.
    return this.#asking.write(token, ID_BYTES) === length ? length : 0;
  }

  /** Whether it is the token that was read, which is as long. */
  #isSpelled(n: number, length: number): boolean {
    const at = this.#startOf(n) + ID_BYTES;
    const end = ID_BYTES + length;
    return this.#entries.compare(this.#asking, ID_BYTES, end, at, at + length) === 0;
  }

  /** @returns the place of the n-th */
  #placeOf(n: number): Place {
    const last = this.#next - 1;
    const behind = (last % this.#placesMax) - n;
    return last - (behind < 0 ? behind + this.#placesMax : behind);
  }

  #append(length: number, hash: number): number {
    const bytes = ID_BYTES + length;
    const start = this.#makeRoom(bytes);
    this.#asking.copy(this.#entries, start, 0, bytes);
    return this.#link(start, length, hash);
  }

  /** The entry that lies there is the newest. */
  #link(start: number, length: number, hash: number): number {
    this.#end = start + ID_BYTES + length;
    const n = this.#next++ % this.#placesMax;
    const bucket = hash & (this.#buckets.length - 1);
    this.#starts[n * WORDS + AT] = start;
    this.#words[n * WORDS + LENGTH] = length;
    this.#words[n * WORDS + HASH] = hash;
    this.#words[n * WORDS + SEEN] = 0;
    this.#words[n * WORDS + NEXT] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = n + 1;
    this.#size += 1;
    return n;
  }

  /** Who came longest ago leaves until there is room, but for a few who were seen since. @returns where it is */
  #makeRoom(bytes: number): number {
    let chances = CHANCES_MOST;
    for (;;) {
      const start = this.#next - this.#first < this.#placesMax ? this.#free(bytes) : -1;
      if (start >= 0) return start;
      const oldest = this.#first % this.#placesMax;
      const length = this.#word(oldest, LENGTH);
      if (length > 0) this.#forget(oldest);
      this.#first += 1;
      const isSeen = length > 0 && this.#word(oldest, SEEN) > 0;
      if (isSeen && chances-- > 0) this.#comeAgain(oldest, length);
    }
  }

  /** The one that has just left is the newest, with all that is known of it: its own room at least is free. */
  #comeAgain(n: number, length: number): void {
    const start = this.#startOf(n);
    const to = this.#free(ID_BYTES + length);
    this.#entries.copyWithin(to, start, start + ID_BYTES + length);
    const now = this.#link(to, length, this.#word(n, HASH));
    this.#numbers.copyWithin(now * NUMBERS, n * NUMBERS, n * NUMBERS + NUMBERS_TOLD);
    this.#words.copyWithin(now * WORDS + SLOT, n * WORDS + SLOT, n * WORDS + BODY_LENGTH + 1);
    this.#bodies.copyWithin(now * BODY_BYTES, n * BODY_BYTES, (n + 1) * BODY_BYTES);
  }

  /** @returns where so many bytes in a row are free; -1: nowhere */
  #free(bytes: number): number {
    if (this.#first === this.#next) return 0;
    const oldest = this.#startOf(this.#first % this.#placesMax);
    // Where they are one, all is full.
    if (this.#end <= oldest) return oldest - this.#end >= bytes ? this.#end : -1;
    if (this.#entries.length - this.#end >= bytes) return this.#end;
    return oldest >= bytes ? 0 : -1;
  }

  /** Its place stays taken until it is the oldest. */
  #forget(n: number): void {
    const bucket = this.#word(n, HASH) & (this.#buckets.length - 1);
    const after = this.#word(n, NEXT);
    let before = (this.#buckets[bucket] as number) - 1;
    if (before === n) this.#buckets[bucket] = after;
    else {
      while (this.#word(before, NEXT) !== n + 1) before = this.#word(before, NEXT) - 1;
      this.#words[before * WORDS + NEXT] = after;
    }
    this.#words[n * WORDS + LENGTH] = 0;
    this.#size -= 1;
  }
}

function hashOf(token: string): number {
  const { length } = token;
  let hash = length;
  for (let at = Math.max(0, length - HASHED); at < length; at++)
    hash = Math.imul(hash ^ token.charCodeAt(at), 0x0100_0193);
  return hash ^ (hash >>> 15);
}
