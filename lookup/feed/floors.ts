import type { Area, Color } from '../health-code.ts';
import type { AreaFloor } from './feed.ts';

/** More areas than this cannot be numbered in the two bytes that a packed record has for each. */
export const AREAS_KNOWN_MAX = 65_535;

/** Its floor is never known. */
export const NO_INDEX = AREAS_KNOWN_MAX;

/**
 * The floors of all areas, by a dense index of this process's own: a recolored district of two million is one store
 * here. Floor 0 is "not known", and is never taken as green.
 */
export class Floors {
  readonly byIndex = new Uint8Array(AREAS_KNOWN_MAX + 1);
  /**
   * As they were when each earlier generation of records ended: records and floors of different times make no color.
   */
  readonly #ended = new Map<number, Uint8Array>();
  #generation = 0;
  readonly #versions = new Float64Array(AREAS_KNOWN_MAX + 1);
  readonly #indexes = new Map<Area, number>();
  readonly #areas: Area[] = [];

  /** The area's index; one that is not known yet gets one, with its floor unknown. When all are taken, NO_INDEX. */
  indexOf(area: Area): number {
    let index = this.#indexes.get(area);
    if (index === undefined) {
      index = this.#areas.length;
      if (index >= AREAS_KNOWN_MAX) return NO_INDEX;
      this.#indexes.set(area, index);
      this.#areas.push(area);
    }
    return index;
  }

  areaAt(index: number): Area {
    return this.#areas[index] as Area;
  }

  /** @returns 0 when it is not known */
  floorOf(area: Area): Color | 0 {
    const index = this.#indexes.get(area);
    return index === undefined ? 0 : (this.byIndex[index] as Color | 0);
  }

  /** Keeps the newer. */
  apply(change: AreaFloor): void {
    const index = this.indexOf(change.area);
    if (index === NO_INDEX || change.version < (this.#versions[index] as number)) return;
    this.#versions[index] = change.version;
    this.byIndex[index] = change.floor;
  }

  /** Floors, by index, that go with records of a generation. An index beyond its end is unknown. */
  of(generation: number): Uint8Array {
    if (generation === this.#generation) return this.byIndex;
    return this.#ended.get(generation) ?? NOTHING;
  }

  /** @param next what records of now on carry */
  turn(next: number): void {
    this.#ended.set(this.#generation, this.byIndex.slice(0, this.#areas.length));
    this.#generation = next;
    this.#ended.delete(next);
  }

  /** Another source: what was known is not comparable with what comes. */
  forget(): void {
    this.byIndex.fill(0);
    this.#versions.fill(0);
  }

  /** Areas whose floor is known. */
  get known(): number {
    return this.#areas.reduce((count, _, index) => count + (this.byIndex[index] === 0 ? 0 : 1), 0);
  }
}

const NOTHING = new Uint8Array(0);
