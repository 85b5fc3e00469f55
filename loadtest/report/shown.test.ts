import { expect, test } from 'vitest';
import { clockShown, dateShown, durationShown, percentShown, shown } from './shown.ts';

test('counts are shown whole, measures with three digits, each with its unit', () => {
  expect([
    shown(1_234_567),
    shown(12.345, 'ms'),
    shown(0.01234, 'ms'),
    shown(5_388.4, '/s'),
  ]).toEqual(['1,234,567', '12.3\u00a0ms', '0.0123\u00a0ms', '5,388/s']);
});

test('a share of nearly all is not shown as all', () => {
  expect([shown(99.96, '%'), shown(100, '%')]).toEqual(['99.96\u00a0%', '100\u00a0%']);
});

test('a difference has its sign', () => {
  expect([percentShown(12.4), percentShown(-0.25)]).toEqual(['+12\u00a0%', '\u22120.3\u00a0%']);
});

test('times are shown as they are said', () => {
  expect([0, 45, 600, 3_725].map(durationShown)).toEqual([
    '0 s',
    '45 s',
    '10 min',
    '1 h 2 min 5 s',
  ]);
  expect([0, 185, 4_500].map(clockShown)).toEqual(['00:00', '03:05', '75:00']);
  expect(dateShown('2026-11-27T23:45:12+03:00')).toBe('2026-11-27 20:45 UTC');
});
