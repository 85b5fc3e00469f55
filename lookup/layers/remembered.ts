// What a lookup needs of memory, and of the small maps beside it.

import type { Color, Found, PersonRecord, SourceMs, Subject } from '../health-code.ts';

/** The memory layer. A slot is a place in memory, -1 is none. */
export interface Remembered {
  find(subject: Subject): number;
  versionAt(slot: number): number;
  generationAt(slot: number): number;
  /** Effective; 0 when a floor is not known. */
  colorAt(slot: number): Color | 0;
  photoAt(slot: number): string | undefined;
  put(record: PersonRecord, generation: number): number;
  drop(subject: Subject): void;
}

/** A small bounded map beside memory. */
export interface Side<V> {
  readonly size: number;
  get(subject: Subject): V | undefined;
  set(subject: Subject, value: V): void;
  delete(subject: Subject): void;
}

export interface Negative {
  readonly asOf: SourceMs;
  readonly generation: number;
  readonly untilMonoMs: number;
}

/** For an answer that outlives this tick. @param layer which one had it, if not the one that holds it now */
export function settle(found: Found, layer = found.layer): Found {
  const { color, photo, version, asOf, ageMs, stale } = found;
  return { outcome: 'found', color, photo, version, asOf, ageMs, stale, layer };
}

/** A memory hit. Its photo is read from the slab only when asked for, in the same tick. */
export class FoundInMemory implements Found {
  readonly outcome = 'found';
  readonly layer = 'memory';
  readonly color: Color;
  readonly version: number;
  readonly asOf: SourceMs;
  readonly ageMs: number;
  readonly stale: boolean;
  readonly slot: number;
  readonly #memory: Remembered;

  constructor(
    memory: Remembered,
    slot: number,
    color: Color,
    asOf: SourceMs,
    ageMs: number,
    stale: boolean,
  ) {
    this.#memory = memory;
    this.slot = slot;
    this.color = color;
    this.version = memory.versionAt(slot);
    this.asOf = asOf;
    this.ageMs = ageMs;
    this.stale = stale;
  }

  get photo(): string | undefined {
    if (this.#memory.versionAt(this.slot) !== this.version)
      throw new Error('a memory hit was kept past its tick');
    return this.#memory.photoAt(this.slot);
  }
}
