import type { Area, Color } from '../health-code.ts';
import type { AreaFloor } from './feed.ts';

/** More areas than this cannot be numbered in the two bytes that a packed record has for each. */
export const AREAS_KNOWN_MAX = 65_535;

/**
 * The floors of all areas, by a dense index of this process's own: a recolored district of two million is one store
 * here. Floor 0 is "not known", and is never taken as green.
 */
export class Floors {
  readonly byIndex = new Uint8Array(AREAS_KNOWN_MAX + 1);
  readonly #versions = new Float64Array(AREAS_KNOWN_MAX + 1);
  readonly #indexes = new Map<Area, number>();
  readonly #areas: Area[] = [];

  /** The area's index; an area that is not known yet gets one, with its floor unknown. -1 when all are taken. */
  indexOf(area: Area): number {
    let index = this.#indexes.get(area);
    if (index === undefined) {
      index = this.#areas.length;
      if (index > AREAS_KNOWN_MAX) return -1;
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
    if (index < 0 || change.version < (this.#versions[index] as number)) return;
    this.#versions[index] = change.version;
    this.byIndex[index] = change.floor;
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
