import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Floors } from '../feed/floors.ts';
import {
  type Color,
  effectiveColor,
  GREEN,
  type PersonRecord,
  RED,
  YELLOW,
} from '../health-code.ts';
import { Memory } from './memory.ts';

const idOf = (n: number) =>
  Buffer.from(n.toString(16).padStart(32, '0'), 'hex').toString('base64url');

function memoryOf(memoryRecordsMax: number) {
  const floors = new Floors();
  return { floors, memory: new Memory({ memoryRecordsMax }, floors) };
}

const record = (n: number, part: Partial<PersonRecord> = {}): PersonRecord => ({
  subject: idOf(n),
  version: n + 1,
  color: GREEN,
  areas: [],
  photo: undefined,
  ...part,
});

const colors = fc.constantFrom<Color>(GREEN, YELLOW, RED);
const records = fc.record({
  subject: fc.nat(40).map(idOf),
  version: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
  color: colors,
  areas: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 8 }),
  photo: fc.option(fc.nat(2 ** 31 - 1).map(idOf), { nil: undefined }),
});

describe('the memory layer', () => {
  it('gives back what was put, to the bit, whatever was there before', () => {
    fc.assert(
      fc.property(
        fc.array(records, { maxLength: 120 }),
        fc.array(colors, { minLength: 20, maxLength: 20 }),
        (puts, floorColors) => {
          const { floors, memory } = memoryOf(64);
          floorColors.forEach((floor, i) => {
            floors.apply({ area: i + 1, floor, version: 1 });
          });
          const truth = new Map<string, PersonRecord>();
          for (const put of puts) {
            memory.put(put, 0);
            const before = truth.get(put.subject);
            if (!before || put.version >= before.version) truth.set(put.subject, put);
          }
          for (const held of truth.values()) {
            const slot = memory.find(held.subject);
            expect(memory.versionAt(slot)).toBe(held.version);
            expect(memory.photoAt(slot)).toBe(held.photo);
            expect(memory.colorAt(slot)).toBe(
              effectiveColor(
                held.color,
                held.areas.map((area) => floorColors[area - 1]),
              ),
            );
          }
          expect(memory.size).toBe(truth.size);
        },
      ),
    );
  });

  it('never holds more than it may, and pushes out who is asked for least', () => {
    const { memory } = memoryOf(3);
    const evicted: string[] = [];
    memory.onEvict = (subject) => evicted.push(subject);
    for (const n of [1, 2, 3]) memory.put(record(n), 0);
    for (let i = 0; i < 4; i++) memory.find(idOf(1));
    memory.put(record(4), 0);
    memory.put(record(5), 0);
    expect(evicted).toEqual([idOf(2), idOf(3)]);
    expect(memory.size).toBe(3);
    expect(memory.find(idOf(2))).toBe(-1);
    expect(memory.versionAt(memory.find(idOf(1)))).toBe(2);
  });

  it('says "not known" for an unknown floor, among few areas and among many', () => {
    const { floors, memory } = memoryOf(8);
    for (const area of [1, 2, 3, 4]) floors.apply({ area, floor: GREEN, version: 1 });
    memory.put(record(1, { areas: [1, 99] }), 0);
    memory.put(record(2, { areas: [1, 2, 3, 4, 99] }), 0);
    expect(memory.colorAt(memory.find(idOf(1)))).toBe(0);
    expect(memory.colorAt(memory.find(idOf(2)))).toBe(0);
    floors.apply({ area: 99, floor: RED, version: 2 });
    expect(memory.colorAt(memory.find(idOf(1)))).toBe(RED);
    expect(memory.colorAt(memory.find(idOf(2)))).toBe(RED);
  });

  it('keeps the newer version, unless the older belongs to a newer generation', () => {
    const { memory } = memoryOf(8);
    memory.put(record(1, { version: 9, color: RED }), 0);
    expect(memory.put(record(1, { version: 8 }), 0)).toBe(-1);
    expect(memory.versionAt(memory.find(idOf(1)))).toBe(9);
    // The source lost history: version 3 of now is newer than 9 of before.
    memory.put(record(1, { version: 3, color: YELLOW }), 1);
    expect(memory.colorAt(memory.find(idOf(1)))).toBe(YELLOW);
  });

  it('applies a change only to who is held', () => {
    const { memory } = memoryOf(8);
    memory.update(record(1), 0);
    expect(memory.find(idOf(1))).toBe(-1);
    memory.put(record(1), 0);
    memory.update(record(1, { version: 50, color: RED }), 0);
    expect(memory.colorAt(memory.find(idOf(1)))).toBe(RED);
  });

  it('leaves nothing of a dropped person in the slot that the next one gets', () => {
    const { floors, memory } = memoryOf(1);
    for (const area of [1, 2, 3, 4, 5]) floors.apply({ area, floor: RED, version: 1 });
    memory.put(record(1, { areas: [1, 2, 3, 4, 5], photo: idOf(77) }), 0);
    const slot = memory.find(idOf(1));
    memory.drop(idOf(1));
    expect(memory.versionAt(slot)).toBe(0);
    expect(memory.put(record(2), 0)).toBe(slot);
    expect(memory.colorAt(slot)).toBe(GREEN);
    expect(memory.photoAt(slot)).toBeUndefined();
  });
});
