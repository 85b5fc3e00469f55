// Each verdict of the runner, shown to fail.

import { describe, expect, test } from 'vitest';
import { budgetsOf } from './budgets.ts';
import { systemColumns, thinned } from './columns.ts';
import { sourceBudgets } from './figures.ts';
import { Seconds } from './seconds.ts';
import { drift } from './soak.ts';
import type { Loaded } from './stage.ts';
import type { Sample } from './watch.ts';

const sample = (second: number, more: Partial<Sample> = {}): Sample => ({
  atMs: second * 1_000,
  services: [new Map([['lookup_found_total{layer="memory"}', second * 10]])],
  memoryBytes: [100e6],
  descriptors: [50],
  cpuS: { services: second, relays: 0, redis: 0, source: 0, machine: second },
  source: { queries: second * 100, inFlight: 2 },
  ...more,
});
const samples = (count: number, more: (i: number) => Partial<Sample> = () => ({})) =>
  Array.from({ length: count }, (_, i) => sample(i, more(i)));

const brokenOf = (all: readonly Sample[]) =>
  sourceBudgets(all)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);

describe('the source’s budgets', () => {
  test('hold when it is asked as often as was promised', () => {
    expect(brokenOf(samples(10))).toEqual([]);
  });

  test('fail when it is asked more often', () => {
    const more = (i: number) => ({ source: { queries: i * 520, inFlight: 2 } });
    expect(brokenOf(samples(10, more))).toEqual(['source_queries_per_s']);
  });

  test('fail when it is asked by more at once, for one second', () => {
    const more = (i: number) => ({ source: { queries: 0, inFlight: i === 5 ? 17 : 0 } });
    expect(brokenOf(samples(10, more))).toEqual(['source_in_flight']);
  });

  test('fail when it could not be counted: unknown is not held', () => {
    const more = (i: number) => (i === 5 ? { source: undefined } : {});
    expect(brokenOf(samples(10, more))).toEqual(['source_counted']);
    expect(brokenOf([])).toContain('source_counted');
  });
});

describe('a script’s thresholds', () => {
  test('are told in words, each with what it means', () => {
    const [budget] = budgetsOf({
      http_in_time: {
        type: 'rate',
        values: { rate: 0.5 },
        thresholds: { 'rate>=0.99': { ok: false } },
      },
    });
    expect(budget).toMatchObject({ asked: 'at least 99 %', found: '50 %', ok: false });
    expect(budget?.meaning).toContain('phone');
  });

  test('of a figure that nobody has explained are refused', () => {
    const metrics = {
      odd: { type: 'counter', values: {}, thresholds: { 'count==0': { ok: true } } },
    };
    expect(() => budgetsOf(metrics)).toThrow('no word about the budget odd');
  });
});

describe('a soak', () => {
  const soaked = (more: (i: number) => Partial<Sample>, slower = 1): Loaded => {
    const seconds = new Seconds();
    for (let at = 0; at < 600; at++) {
      // Bucket 106 is 9.7 ms; 8 buckets on it is twice as long.
      const bucket = at > 400 ? 106 + Math.round(8 * Math.log2(slower)) : 106;
      seconds.add(
        JSON.stringify({ at, door: 'http', ends: {}, from: {}, took: { [bucket]: 100 } }),
      );
    }
    return {
      ended: { seconds },
      samples: samples(600, more),
      fromMs: 0,
    } as unknown as Loaded;
  };
  const broken = (loaded: Loaded) =>
    drift(loaded)
      .budgets.filter(({ ok }) => !ok)
      .map(({ name }) => name);

  test('of what stays as it is holds', () => {
    expect(broken(soaked(() => ({})))).toEqual([]);
  });

  test('fails when memory grows by a megabyte in a minute', () => {
    const more = (i: number) => ({ memoryBytes: [100e6 + (i / 60) * 1e6] });
    expect(broken(soaked(more))).toEqual(['memory_slope']);
  });

  test('forgives what grows only at the beginning', () => {
    const more = (i: number) => ({ memoryBytes: [Math.min(i, 200) * 1e6] });
    expect(broken(soaked(more))).toEqual([]);
  });

  test('fails when descriptors leak', () => {
    expect(broken(soaked((i) => ({ descriptors: [50 + Math.floor(i / 60)] })))).toEqual([
      'descriptors',
    ]);
  });

  test('fails when answers grow slower', () => {
    expect(broken(soaked(() => ({}), 2))).toEqual(['p99_drift']);
  });
});

describe('columns', () => {
  test('of what is counted are rates; a process that began anew leaves a gap', () => {
    const counts = [0, 100, 250, 0, 30];
    const all = counts.map((queries, i) => sample(i, { source: { queries, inFlight: 0 } }));
    expect(systemColumns(all, 0).rate(({ source }) => source?.queries)).toEqual([
      ...[null, 100, 150, null, 30],
    ]);
  });

  test('are thinned without losing their peaks', () => {
    const values = Array.from({ length: 4_000 }, (_, i) => (i === 1_234 ? 99 : 1));
    const plot = {
      title: '',
      unit: '',
      at: values.map((_, i) => i),
      series: [{ label: '', values }],
    };
    const thin = thinned(plot);
    expect(thin.at.length).toBeLessThanOrEqual(1_500);
    const [series] = thin.series;
    expect(Math.max(...((series?.values ?? []) as number[]))).toBe(99);
  });
});
