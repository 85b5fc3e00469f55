import { describe, expect, test } from 'vitest';
import {
  arrivalsOf,
  arrivedBy,
  fromSix,
  morning,
  peakOf,
  secondsOf,
  stairs,
  steady,
  times,
} from './shapes.ts';

describe.each([
  ['steady', steady(100, 60)],
  ['morning', morning(100, 60)],
  ['from six', fromSix(100, 60)],
  ['stairs', stairs(100, 60, 10)],
])('%s', (_name, shape) => {
  test('reaches its rate, and no more', () => {
    expect(peakOf(shape)).toBeCloseTo(100);
  });

  test('counts who arrived as the sum of its rates', () => {
    const step = 0.001;
    let sum = 0;
    for (let at = 0; at < secondsOf(shape); at += step) sum += arrivedBy(shape, at).rate * step;
    expect(sum / arrivalsOf(shape)).toBeCloseTo(1, 2);
    expect(arrivedBy(shape, -1).count).toBe(0);
    expect(Math.floor(arrivedBy(shape, 1e9).count)).toBe(arrivalsOf(shape));
  });

  test('of twice the people has twice the arrivals', () => {
    expect(arrivalsOf(times(shape, 2)) / arrivalsOf(shape)).toBeCloseTo(2, 1);
  });
});
