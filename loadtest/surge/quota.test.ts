import { expect, test } from 'vitest';
import { periodUs } from './quota.ts';

test('a period is short, but long enough for the least that the kernel gives', () => {
  expect(periodUs(0.8, 2)).toBe(5_000);
  expect(periodUs(0.4, 2)).toBe(5_000);
  expect(periodUs(0.2, 2)).toBe(10_000);
});

test('a share on which no process could run without being taken for late is refused', () => {
  expect(() => periodUs(0.1, 2)).toThrow('--service-cores 0.1: 2 processes need 0.14 or more');
});
