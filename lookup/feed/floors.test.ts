import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Color, GREEN, RED, YELLOW } from '../health-code.ts';
import { AREAS_KNOWN_MAX, Floors, NO_INDEX } from './floors.ts';

describe('floors', () => {
  it('are not known until they are told, also of an area that people are tied to', () => {
    const floors = new Floors();
    expect(floors.floorOf(7)).toBe(0);
    const index = floors.indexOf(7);
    expect([floors.byIndex[index], floors.floorOf(7), floors.known]).toEqual([0, 0, 0]);
    floors.apply({ area: 7, floor: YELLOW, version: 1 });
    expect([floors.byIndex[index], floors.floorOf(7), floors.known]).toEqual([YELLOW, YELLOW, 1]);
    expect([floors.indexOf(7), floors.areaAt(index)]).toEqual([index, 7]);
  });

  it('are those of the newest versions, in whatever order and how often they come', () => {
    const color = fc.constantFrom<Color>(GREEN, YELLOW, RED);
    const changes = fc.uniqueArray(
      fc.record({ area: fc.integer({ min: 1, max: 4 }), floor: color, version: fc.nat(30) }),
      { selector: ({ area, version }) => `${area} ${version}`, maxLength: 30, size: 'max' },
    );
    fc.assert(
      fc.property(changes, fc.infiniteStream(fc.nat()), (sequence, random) => {
        const floors = new Floors();
        const told = sequence.flatMap((change) =>
          (random.next().value ?? 0) % 2 ? [change, change] : [change],
        );
        for (const change of told) floors.apply(change);
        for (let area = 1; area <= 4; area++) {
          const own = sequence.filter((change) => change.area === area);
          const newest = own.toSorted((a, b) => b.version - a.version)[0];
          expect(floors.floorOf(area)).toBe(newest?.floor ?? 0);
        }
        expect(floors.known).toBe(new Set(sequence.map(({ area }) => area)).size);
      }),
    );
  });

  it('of an earlier generation stay as they were when it ended', () => {
    const floors = new Floors();
    floors.apply({ area: 7, floor: RED, version: 1 });
    const index = floors.indexOf(7);
    expect(floors.of(0)).toBe(floors.byIndex);
    floors.turn(1);
    floors.apply({ area: 7, floor: GREEN, version: 2 });
    const late = floors.indexOf(8);
    floors.apply({ area: 8, floor: GREEN, version: 3 });
    expect([floors.of(0)[index], floors.of(1)[index]]).toEqual([RED, GREEN]);
    // Not known then: never taken for green.
    expect([floors.of(0)[late], floors.of(1)[late]]).toEqual([undefined, GREEN]);
    floors.turn(2);
    floors.apply({ area: 7, floor: YELLOW, version: 4 });
    expect([0, 1, 2].map((generation) => floors.of(generation)[index])).toEqual([
      RED,
      GREEN,
      YELLOW,
    ]);
  });

  it('of a generation whose number comes again are those of now', () => {
    const floors = new Floors();
    const index = floors.indexOf(7);
    floors.apply({ area: 7, floor: RED, version: 1 });
    for (const next of [1, 2, 0]) floors.turn(next);
    floors.apply({ area: 7, floor: GREEN, version: 2 });
    expect([floors.of(0)[index], floors.of(1)[index], floors.of(9)[index]]).toEqual([
      GREEN,
      RED,
      undefined,
    ]);
  });

  it('of another source may have lower versions, and are not known before they are told', () => {
    const floors = new Floors();
    floors.apply({ area: 7, floor: RED, version: 900 });
    floors.forget();
    expect([floors.floorOf(7), floors.known]).toEqual([0, 0]);
    floors.apply({ area: 7, floor: GREEN, version: 3 });
    expect(floors.floorOf(7)).toBe(GREEN);
  });

  it('of more areas than can be numbered are never known', () => {
    const floors = new Floors();
    for (let area = 1; area <= AREAS_KNOWN_MAX; area++) floors.indexOf(area);
    const [last, beyond] = [AREAS_KNOWN_MAX, AREAS_KNOWN_MAX + 1];
    expect(floors.indexOf(last)).not.toBe(NO_INDEX);
    expect(floors.indexOf(beyond)).toBe(NO_INDEX);
    floors.apply({ area: beyond, floor: GREEN, version: 1 });
    expect([floors.floorOf(beyond), floors.byIndex[NO_INDEX]]).toEqual([0, 0]);
    floors.apply({ area: last, floor: RED, version: 1 });
    expect(floors.floorOf(last)).toBe(RED);
  });
});
