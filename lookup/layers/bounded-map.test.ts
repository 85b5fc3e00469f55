import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedMap } from './bounded-map.ts';

interface Sized {
  readonly bytes: number;
}

describe('a bounded map', () => {
  it('gives back what was set, and nothing after it was deleted or cleared', () => {
    const map = new BoundedMap<string, Sized>({ entriesMax: 10 });
    const [one, two] = [{ bytes: 1 }, { bytes: 2 }];
    map.set('a', one);
    map.set('b', two);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([one, two, undefined, 2]);
    map.delete('a');
    expect([map.get('a'), map.size]).toEqual([undefined, 1]);
    map.clear();
    expect([map.get('b'), map.size]).toEqual([undefined, 0]);
  });

  it('lets go first of what was used longest ago', () => {
    const map = new BoundedMap<string, Sized>({ entriesMax: 2 });
    map.set('a', { bytes: 1 });
    map.set('b', { bytes: 1 });
    map.get('a');
    map.set('c', { bytes: 1 });
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([
      { bytes: 1 },
      undefined,
      { bytes: 1 },
    ]);
  });

  it('is never larger than it may be, in entries nor in bytes, and counts them rightly', () => {
    const key = fc.integer({ min: 0, max: 20 }).map(String);
    const step = fc.oneof(
      fc.record({ set: key, bytes: fc.integer({ min: 1, max: 120 }) }),
      fc.record({ drop: key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const bytesOf = ({ bytes }: Sized) => bytes;
        const map = new BoundedMap<string, Sized>({ entriesMax: 8, bytesMax: 300, bytesOf });
        const last = new Map<string, number>();
        for (const one of steps) {
          if ('set' in one) {
            map.set(one.set, { bytes: one.bytes });
            last.set(one.set, one.bytes);
          } else {
            map.delete(one.drop);
            last.delete(one.drop);
          }
          const held = [...Array(21).keys()].flatMap((n) => map.get(String(n)) ?? []);
          expect(map.size).toBe(held.length);
          expect(map.size).toBeLessThanOrEqual(8);
          expect(map.bytes).toBe(held.reduce((sum, { bytes }) => sum + bytes, 0));
          expect(map.bytes).toBeLessThanOrEqual(300);
        }
        for (const [name, bytes] of last) {
          const found = map.get(name);
          if (found) expect(found.bytes).toBe(bytes);
        }
      }),
    );
  });

  it('does not keep what is larger than all of it, nor what that replaced', () => {
    const bytesOf = ({ bytes }: Sized) => bytes;
    const map = new BoundedMap<string, Sized>({ entriesMax: 8, bytesMax: 100, bytesOf });
    map.set('a', { bytes: 10 });
    map.set('a', { bytes: 101 });
    expect([map.get('a'), map.bytes]).toEqual([undefined, 0]);
  });
});
