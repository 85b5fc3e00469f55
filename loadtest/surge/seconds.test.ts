import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heldFolder } from '../../test/keeper.ts';
import { follower, inTime, quantile, Seconds } from './seconds.ts';

const line = (at: number, door: string, more: object) =>
  JSON.stringify({ at, door, ends: {}, from: {}, took: {}, ...more });

describe('seconds of a script', () => {
  test('are added up over its virtual users, and over its doors', () => {
    const seconds = new Seconds();
    seconds.add(line(7, 'http', { ends: { answered: 2, shed: 1 }, took: { 80: 2 } }));
    seconds.add(line(7, 'http', { ends: { answered: 3 }, took: { 80: 1, 88: 2 } }));
    seconds.add(line(7, 'grpc', { ends: { wrong: 1 }, from: { LAYER_REDIS: 1 } }));
    seconds.add(line(8, 'line', { ends: { failed: 4 } }));
    expect(seconds.bySecond.get(7)).toMatchObject({
      ...{ asked: 7, answered: 5, shed: 1, wrong: 1, failed: 0 },
      from: { LAYER_REDIS: 1 },
      took: { http: { 80: 3, 88: 2 } },
    });
    expect(seconds.total).toMatchObject({ asked: 11, failed: 4 });
    expect(seconds.said).toEqual([]);
  });

  test('keep what the script says besides, up to a bound', () => {
    const seconds = new Seconds();
    for (let i = 0; i < 1_000; i++) seconds.add(`wrong: person ${i}`);
    seconds.add('{"at": torn');
    expect(seconds.said[0]).toBe('wrong: person 0');
    expect(seconds.said).toHaveLength(200);
    expect(seconds.bySecond.size).toBe(0);
  });
});

describe('a quantile', () => {
  test('is the upper end of a bucket that is at most a ninth wide', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 5_000, noNaN: true }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.99, 0.999),
        (times, share) => {
          const took: Record<number, number> = {};
          for (const ms of times) {
            const bucket = Math.floor(8 * Math.log2(Math.max(ms * 1_000, 1)));
            took[bucket] = (took[bucket] ?? 0) + 1;
          }
          const sorted = [...times].sort((a, b) => a - b);
          const exact = sorted[Math.max(0, Math.ceil(times.length * share - 1e-9) - 1)] as number;
          const found = quantile(took, share) as number;
          expect(found).toBeGreaterThanOrEqual(exact * 0.999);
          expect(found).toBeLessThanOrEqual(exact * 2 ** (1 / 8) * 1.001);
        },
      ),
    );
  });

  test('of nothing is nothing', () => expect(quantile({}, 0.5)).toBeUndefined());
});

test('a file is followed line by line while another process writes it', () => {
  const path = join(heldFolder(), 'lines');
  const lines: string[] = [];
  const read = follower(path, (one) => lines.push(one));
  read();
  writeFileSync(path, 'one\ntw');
  read();
  expect(lines).toEqual(['one']);
  appendFileSync(path, 'o\n');
  read();
  read();
  expect(lines).toEqual(['one', 'two']);
});

test('who was answered in time is told by whole buckets, the one with the limit in it not', () => {
  // They end after 92.7, 101.1 and 110 ms.
  expect(inTime({ 131: 3, 132: 5, 133: 7 }, 100)).toBe(3);
  expect(inTime({ 131: 3, 132: 5, 133: 7 }, 105)).toBe(8);
  expect(inTime({}, 100)).toBe(0);
});
