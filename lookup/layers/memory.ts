// L1: packed records, bounded.
//
// A record is 32 bytes in a slab, outside the garbage collector's sight; lru-cache keeps only subject -> slot, and the
// order of use. Layout of a slot:
//
//   0  version   float64 (versions stay below 2^53)
//   8  photo     16 bytes
//   24 own color (bits 0-1), has a photo (bit 2), count of areas (bits 3-6)
//   25 generation: which stretch of the feed kept it up to date
//   26 areas     3 x uint16, dense indexes of the floors; four and more areas lie in a map beside
//
// A caller that remembers a slot and its version can tell at the price of one cache line that its person is still
// there: versions come from one sequence for all people.

import { LRUCache } from 'lru-cache';
import type { Floors } from '../feed/floors.ts';
import {
  AREAS_MAX,
  type Color,
  idAt,
  type PersonRecord,
  type Subject,
  writeId,
} from '../health-code.ts';
import type { Remembered } from './remembered.ts';

const STRIDE = 32;
const PHOTO = 8;
const META = 24;
const GENERATION = 25;
const AREAS = 26;
const INLINE_AREAS = 3;
const COLOR_BITS = 0b11;
const HAS_PHOTO = 0b100;
const COUNT_SHIFT = 3;
const TOUCH_MASK = 0b11;

export class Memory implements Remembered {
  readonly name = 'memory';
  readonly #floors: Floors;
  readonly #recordsMax: number;
  readonly #slots: LRUCache<Subject, number>;
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  readonly #versions: Float64Array;
  readonly #areas: Uint16Array;
  readonly #moreAreas = new Map<number, Uint16Array>();
  readonly #free: number[] = [];
  #used = 0;
  #finds = 0;
  #evicted = 0;
  onEvict: ((subject: Subject, version: number, generation: number) => void) | undefined;

  constructor(options: { memoryRecordsMax: number }, floors: Floors) {
    this.#floors = floors;
    this.#recordsMax = options.memoryRecordsMax;
    this.#slots = new LRUCache({ max: options.memoryRecordsMax });
    // Untouched pages of a fresh allocation cost no memory: the slab grows as it fills.
    const slab = new ArrayBuffer(options.memoryRecordsMax * STRIDE);
    this.#bytes = new Uint8Array(slab);
    this.#buffer = Buffer.from(slab);
    this.#versions = new Float64Array(slab);
    this.#areas = new Uint16Array(slab);
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Records pushed out for want of room, ever. */
  get evicted(): number {
    return this.#evicted;
  }

  /**
   * The subject's slot; -1 when it is not held. One look-up in four makes it the most recently used: to relink it
   * touches four more cache lines, and who is asked for often is found by the sample too.
   */
  find(subject: Subject): number {
    this.#finds = (this.#finds + 1) & TOUCH_MASK;
    const slot = this.#finds === 0 ? this.#slots.get(subject) : this.#slots.peek(subject);
    return slot ?? -1;
  }

  versionAt(slot: number): number {
    return this.#versions[slot * (STRIDE / 8)] as number;
  }

  generationAt(slot: number): number {
    return this.#bytes[slot * STRIDE + GENERATION] as number;
  }

  /** Effective color by the floors held now; 0 when one of them is not known. */
  colorAt(slot: number): Color | 0 {
    const meta = this.#bytes[slot * STRIDE + META] as number;
    const count = meta >> COUNT_SHIFT;
    let color = meta & COLOR_BITS;
    const floors = this.#floors.of(this.#bytes[slot * STRIDE + GENERATION] as number);
    if (count > INLINE_AREAS)
      return worst(color as Color, this.#moreAreas.get(slot) as Uint16Array, floors);
    const first = (slot * STRIDE + AREAS) / 2;
    for (let i = 0; i < count; i++) {
      const floor = floors[this.#areas[first + i] as number];
      if (!floor) return 0;
      if (floor > color) color = floor;
    }
    return color as Color;
  }

  photoAt(slot: number): string | undefined {
    const at = slot * STRIDE;
    if (((this.#bytes[at + META] as number) & HAS_PHOTO) === 0) return undefined;
    return idAt(this.#buffer, at + PHOTO);
  }

  /**
   * Keeps the record, unless a newer version of this generation is held.
   * @returns its slot, or -1 when it was not kept
   */
  put(record: PersonRecord, generation: number): number {
    const held = this.#slots.peek(record.subject);
    if (held !== undefined) return this.#replace(held, record, generation);
    const slot = this.#free.pop() ?? (this.#used < this.#recordsMax ? this.#used++ : this.#evict());
    this.#slots.set(record.subject, slot);
    return this.#write(slot, record, generation);
  }

  #replace(slot: number, record: PersonRecord, generation: number): number {
    if (this.generationAt(slot) === generation && this.versionAt(slot) > record.version) return -1;
    return this.#write(slot, record, generation);
  }

  /** A change from the feed: replaces what is held of the subject, if anything is and it is older. */
  update(record: PersonRecord, generation: number): void {
    const slot = this.#slots.peek(record.subject);
    if (slot !== undefined) this.#replace(slot, record, generation);
  }

  drop(subject: Subject): void {
    const slot = this.#slots.peek(subject);
    if (slot === undefined) return;
    this.#slots.delete(subject);
    this.#release(slot);
    this.#free.push(slot);
  }

  /** All of it. Generations are numbered by one byte: when they start over, nothing of before may be taken for new. */
  clear(): void {
    this.#slots.clear();
    this.#moreAreas.clear();
    this.#free.length = 0;
    this.#versions.fill(0, 0, this.#used * (STRIDE / 8));
    this.#used = 0;
  }

  #evict(): number {
    const subject = this.#slots.rkeys().next().value as Subject;
    const slot = this.#slots.pop() as number;
    this.onEvict?.(subject, this.versionAt(slot), this.generationAt(slot));
    this.#release(slot);
    this.#evicted += 1;
    return slot;
  }

  #release(slot: number): void {
    this.#versions[slot * (STRIDE / 8)] = 0;
    if (this.#moreAreas.size > 0) this.#moreAreas.delete(slot);
  }

  #write(slot: number, record: PersonRecord, generation: number): number {
    const at = slot * STRIDE;
    const count = Math.min(record.areas.length, AREAS_MAX);
    this.#versions[slot * (STRIDE / 8)] = record.version;
    this.#bytes[at + META] = record.color | (record.photo ? HAS_PHOTO : 0) | (count << COUNT_SHIFT);
    this.#bytes[at + GENERATION] = generation;
    if (record.photo) writeId(this.#bytes, at + PHOTO, record.photo);
    if (count > INLINE_AREAS) {
      this.#moreAreas.set(
        slot,
        Uint16Array.from(record.areas, (area) => this.#floors.indexOf(area)),
      );
      return slot;
    }
    if (this.#moreAreas.size > 0) this.#moreAreas.delete(slot);
    for (let i = 0; i < count; i++) {
      this.#areas[(at + AREAS) / 2 + i] = this.#floors.indexOf(record.areas[i] as number);
    }
    return slot;
  }
}

function worst(own: Color, areas: Uint16Array, floors: Uint8Array): Color | 0 {
  let color: number = own;
  for (const area of areas) {
    const floor = floors[area];
    if (!floor) return 0;
    color = Math.max(color, floor);
  }
  return color as Color;
}
