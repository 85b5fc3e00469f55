import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pressed } from './pressed.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('the first press is a wish, each later one insists, and one that comes twice is one', () => {
  const seen: string[] = [];
  const press = pressed(
    () => seen.push('first'),
    () => seen.push('again'),
  );
  press();
  vi.advanceTimersByTime(499);
  press();
  expect(seen).toEqual(['first']);
  vi.advanceTimersByTime(1);
  press();
  vi.advanceTimersByTime(10);
  press();
  expect(seen).toEqual(['first', 'again']);
  vi.advanceTimersByTime(500);
  press();
  expect(seen).toEqual(['first', 'again', 'again']);
});
