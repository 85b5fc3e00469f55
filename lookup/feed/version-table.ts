// Subject -> version, as a Map would hold it, outside the garbage collector's sight: a Map of hundreds of thousands of
// texts stops the process for a tenth of a second whenever it grows.

import { ID_BYTES, type Subject, writeId } from '../health-code.ts';

const WORDS = ID_BYTES / 4;
/** Each grows by itself, and so for no longer than a few milliseconds. */
const SHARDS = 64;
const PLACES_FIRST = 16;
const KEY = new Uint32Array(WORDS);
const KEY_BYTES = new Uint8Array(KEY.buffer);

/** Nothing is ever removed singly. */
export class VersionTable {
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns 0 for who is not here */
  get(subject: Subject): number {
    writeId(KEY_BYTES, 0, subject);
    const hash = hashOfKey();
    return (this.#shards[hash >>> 26] as Shard).get(hash);
  }

  /** @param version not 0 */
  set(subject: Subject, version: number): void {
    writeId(KEY_BYTES, 0, subject);
    const hash = hashOfKey();
    if ((this.#shards[hash >>> 26] as Shard).set(hash, version)) this.#size += 1;
  }
}

/** Open addressing, of whoever KEY names: an entry lies at its hash, or in the next free place after it. */
class Shard {
  #mask = PLACES_FIRST - 1;
  #keys = new Uint32Array(PLACES_FIRST * WORDS);
  /** 0: a free place. */
  #versions = new Float64Array(PLACES_FIRST);
  #size = 0;

  get(hash: number): number {
    return this.#versions[this.#place(hash)] as number;
  }

  /** @returns whether it is new here */
  set(hash: number, version: number): boolean {
    const place = this.#place(hash);
    const isNew = this.#versions[place] === 0;
    if (isNew) this.#keys.set(KEY, place * WORDS);
    this.#versions[place] = version;
    if (!isNew) return false;
    this.#size += 1;
    if (this.#size * 2 > this.#mask) this.#grow();
    return true;
  }

  #place(hash: number): number {
    const [a, b, c, d] = [KEY[0], KEY[1], KEY[2], KEY[3]];
    const keys = this.#keys;
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      if (this.#versions[place] === 0) return place;
      const at = place * WORDS;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d)
        return place;
    }
  }

  #grow(): void {
    const [keys, versions] = [this.#keys, this.#versions];
    const places = versions.length * 2;
    this.#mask = places - 1;
    this.#keys = new Uint32Array(places * WORDS);
    this.#versions = new Float64Array(places);
    for (let old = 0; old < versions.length; old++) {
      if (versions[old] === 0) continue;
      for (let i = 0; i < WORDS; i++) KEY[i] = keys[old * WORDS + i] as number;
      const place = this.#place(hashOfKey());
      this.#keys.set(KEY, place * WORDS);
      this.#versions[place] = versions[old] as number;
    }
  }
}

/** Subjects may be numbered in order: every bit of a word reaches the top and the bottom. */
function hashOfKey(): number {
  let hash = 0;
  for (let i = 0; i < WORDS; i++) {
    hash = Math.imul(hash ^ (KEY[i] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x85ebca77);
    hash ^= hash >>> 13;
  }
  return hash;
}
