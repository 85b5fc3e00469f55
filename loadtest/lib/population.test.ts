import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { peopleLines, photoBytes, photoIdAt } from './generate.ts';
import { orderOf } from './order.ts';
import {
  AREAS,
  areasAt,
  CHECKSUM,
  changedPhoto,
  checksum,
  colorAt,
  hasBytes,
  PHOTO_BYTES_EVERY,
  personAt,
  SEED,
  subjectAt,
} from './population.ts';
import { imageOf } from './portrait.ts';

const PEOPLE = 200_000;
const all = Array.from({ length: PEOPLE }, (_, index) => index);
const share = (isOne: (index: number) => boolean) => all.filter(isOne).length / PEOPLE;
const ID = /^[A-Za-z0-9_-]{21}[AQgw]$/;

describe('the people', () => {
  test('are the same ones as ever', () => {
    expect(checksum(1_000, SEED)).toBe(CHECKSUM);
    expect(checksum(1_000, SEED + 1)).not.toBe(CHECKSUM);
  });

  test('have subjects and photos of their own', () => {
    const ids = new Set<string>();
    for (const index of all) {
      ids.add(subjectAt(index, SEED));
      ids.add(photoIdAt(index, SEED));
    }
    expect(ids.size).toBe(2 * PEOPLE);
    for (const id of [...ids].slice(0, 1_000)) expect(id).toMatch(ID);
    expect(changedPhoto(7, SEED)).toMatch(ID);
    expect(ids).not.toContain(changedPhoto(7, SEED));
  });

  test('are 97, 2 and 1 in a hundred green, yellow and red', () => {
    const shares = [1, 2, 3].map((color) => share((index) => colorAt(index, SEED) === color));
    expect(shares[0]).toBeCloseTo(0.97, 2);
    expect(shares[1]).toBeCloseTo(0.02, 2.5);
    expect(shares[2]).toBeCloseTo(0.01, 2.5);
  });

  test('live in areas of uneven size, a tenth of them in the largest', () => {
    const sizes = new Map<number, number>();
    for (const index of all) {
      const areas = areasAt(index, SEED);
      expect(new Set(areas).size).toBe(areas.length);
      for (const area of areas) sizes.set(area, (sizes.get(area) ?? 0) + 1);
    }
    expect([...sizes.keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: AREAS }, (_, i) => i + 1),
    );
    expect((sizes.get(1) ?? 0) / PEOPLE).toBeCloseTo(0.1, 2);
    expect(sizes.get(2)).toBeGreaterThan(20 * (sizes.get(AREAS) ?? 0));
    expect(share((index) => areasAt(index, SEED).length === 2)).toBeCloseTo(0.33, 2);
  });

  test('have a photo of which the bytes exist, one in 500 of them', () => {
    expect(share((index) => hasBytes(index, SEED)) * PHOTO_BYTES_EVERY).toBeCloseTo(1, 0);
    for (const index of all.filter((one) => hasBytes(one, SEED)).slice(0, 20)) {
      expect(personAt(index, SEED).photo).toBeUndefined();
      const bytes = photoBytes(index, SEED);
      expect(bytes.length).toBeGreaterThan(8_000);
      expect(bytes.length).toBeLessThan(40_000);
      const hash = createHash('sha256').update(bytes).digest();
      expect(photoIdAt(index, SEED)).toBe(hash.subarray(0, 16).toString('base64url'));
    }
  });

  test('are lines of what an import reads', () => {
    const [header, ...pieces] = peopleLines(5_001, SEED);
    expect(header).toBe('subject,color,areas,photo\n');
    const lines = pieces.join('').split('\n');
    expect(lines).toHaveLength(5_002);
    expect(lines[0]).toMatch(/^[\w-]{22},(green|yellow|red),\d+(\|\d+)?,[\w-]{22}$/);
    expect(lines[5_000]?.split(',')[0]).toBe(subjectAt(5_000, SEED));
  });
});

test('a portrait is an image that decoders take: its rows, and the sum over them', () => {
  const { width, height, tail } = imageOf(0);
  const length = Buffer.from(tail).readUInt32BE(0);
  const rows = inflateSync(tail.subarray(8, 8 + length));
  expect(rows.length).toBe((width + 1) * height);
});

describe('an order', () => {
  test.each([1, 2, 10, 97, 330, 1_000, 65_536, 99_991])('of %i meets each once', (count) => {
    const order = orderOf(count, SEED);
    const met = Array.from({ length: count }, (_, i) => order.at(i));
    expect(met.every((one) => one >= 0 && one < count)).toBe(true);
    expect(new Set(met).size).toBe(count);
    expect(met.every((one, i) => order.placeOf(one) === i)).toBe(true);
    expect(order.at(count)).toBe(met[0]);
  });

  test('of ten million knows the way back', () => {
    const order = orderOf(10_000_000, 77);
    for (let i = 0; i < 10_000_000; i += 9_973) expect(order.placeOf(order.at(i))).toBe(i);
  });

  test('of more than a double can count is refused', () => {
    expect(() => orderOf(2 ** 26, SEED)).toThrow(RangeError);
  });
});
