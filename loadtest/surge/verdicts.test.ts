// Each verdict of the runner, shown to fail.

import { describe, expect, test } from 'vitest';
import { budgetsOf } from './budgets.ts';
import { systemColumns, thinned } from './columns.ts';
import { askedOfSource, sourceBudgets } from './figures.ts';
import { warmAfterS } from './scenarios.ts';
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
  stoodStillS: { stolen: 0, memory: 0, io: undefined },
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
  const HOUR_S = 3_600;
  /** After the minute in which it collected its garbage last, once in five. */
  const kept =
    (mbAt: (minute: number) => number, outsideMbAt = (_: number) => 50) =>
    (i: number) => {
      const minute = Math.floor(i / 300) * 5;
      return {
        services: [
          new Map([
            ['lookup_memory_kept_bytes', mbAt(minute) * 1e6 + minute],
            ['lookup_memory_heap_bytes', 200e6 + (i % 60) * 1e6],
            ['lookup_memory_bytes', 200e6 + (i % 60) * 1e6 + outsideMbAt(i / 60) * 1e6],
          ]),
        ],
      };
    };
  const flat = kept(() => 100);
  const soaked = (
    more: (i: number) => Partial<Sample>,
    { slower = 1, s = HOUR_S } = {},
  ): Loaded => {
    const seconds = new Seconds();
    for (let at = 0; at < s; at++) {
      // Bucket 106 is 9.7 ms; 8 buckets on it is twice as long.
      const bucket = at > (s * 2) / 3 ? 106 + Math.round(8 * Math.log2(slower)) : 106;
      seconds.add(
        JSON.stringify({ at, door: 'http', ends: {}, from: {}, took: { [bucket]: 100 } }),
      );
    }
    return {
      ended: { seconds },
      samples: samples(s, more),
      fromMs: 0,
    } as unknown as Loaded;
  };
  const broken = (loaded: Loaded) =>
    drift(loaded, true)
      .budgets.filter(({ ok }) => !ok)
      .map(({ name }) => name);

  test('of what stays as it is holds', () => {
    expect(broken(soaked(flat))).toEqual([]);
  });

  test('fails when what is kept grows by a megabyte in a minute', () => {
    expect(broken(soaked(kept((minute) => 100 + minute)))).toEqual(['memory_slope{kept}']);
  });

  test('fails when what lies outside the heap does', () => {
    const more = kept(
      () => 100,
      (minute) => 50 + minute,
    );
    expect(broken(soaked(more))).toEqual(['memory_slope{outside the heap}']);
  });

  test('forgives garbage: what is resident may grow until it is collected', () => {
    const more = (i: number) => ({ ...flat(i), memoryBytes: [100e6 + (i / 60) * 1e6] });
    const loaded = soaked(more);
    expect(broken(loaded)).toEqual([]);
    const grows = drift(loaded, true).figures.find(
      ({ name }) => name === 'memory of a service grows',
    );
    expect(grows?.value).toBeCloseTo(60);
  });

  test('forgives what grows only at the beginning', () => {
    expect(broken(soaked(kept((minute) => Math.min(minute, 20) * 10)))).toEqual([]);
  });

  test('fails when nobody collected garbage: unknown is not held', () => {
    const { budgets } = drift(
      soaked(() => ({})),
      true,
    );
    expect(budgets).toContainEqual(
      expect.objectContaining({ name: 'memory_slope{kept}', found: 'not measured', ok: false }),
    );
  });

  test('of minutes judges nothing by the hour', () => {
    const loaded = soaked(
      kept((minute) => minute * 10),
      { slower: 2, s: 600 },
    );
    expect(drift(loaded, false).budgets).toEqual([]);
  });

  test('fails when the looks at it ended early: what is missing is not held', () => {
    const loaded = soaked(flat);
    const ended = { ...loaded, samples: loaded.samples.slice(0, 300) };
    expect(broken(ended)).toContain('memory_slope{kept}');
  });

  test('fails when descriptors leak', () => {
    const more = (i: number) => ({ ...flat(i), descriptors: [50 + Math.floor(i / 60)] });
    expect(broken(soaked(more))).toEqual(['descriptors']);
  });

  test('fails when answers grow slower', () => {
    expect(broken(soaked(flat, { slower: 2 }))).toEqual(['p99_drift']);
  });
});

describe('a cold morning', () => {
  /** Each second 100 people, so many of them read from the source; every process tells its own. */
  const cold = (fromSource: (second: number) => number) => {
    const found = { memory: 0, redis: 0, source: 0 };
    return Array.from({ length: 30 }, (_, second) => {
      const source = second < 5 ? 0 : fromSource(second);
      found.memory += second < 5 ? 0 : 40;
      found.redis += second < 5 ? 0 : 60 - source;
      found.source += source;
      const told = Object.entries(found).map(
        ([layer, count]) => [`lookup_found_total{edge="http",layer="${layer}"}`, count] as const,
      );
      return sample(second, { services: [new Map(told)] });
    });
  };

  test('is warm when memory and Redis answer 95 in 100, from then on', () => {
    const warmedIn = (fromSource: (second: number) => number) =>
      warmAfterS({ samples: cold(fromSource), fromMs: 5_000 });
    expect(warmedIn(() => 0)).toBe(0);
    expect(warmedIn((second) => (second < 9 ? 50 : 5))).toBe(3);
    expect(warmedIn((second) => (second < 9 || second === 20 ? 6 : 0))).toBe(15);
    expect(warmedIn(() => 50)).toBe(24);
    const missed = cold((second) => (second < 9 ? 50 : 0)).with(
      20,
      sample(20, { services: [undefined] }),
    );
    expect(warmAfterS({ samples: missed, fromMs: 5_000 })).toBe(3);
  });
});

describe('what was asked of the source', () => {
  const asked = (i: number) => ({
    services: [new Map([['lookup_source_subjects_total{x="1"}', i * 3]])],
  });

  test('is counted from the first look to the last', () => {
    expect(askedOfSource(samples(10, asked))).toBe(27);
  });

  test('is not nothing where a process did not say it', () => {
    const silent = (i: number) => (i === 9 ? { services: [undefined] } : asked(i));
    expect(askedOfSource(samples(10, silent))).toBeNaN();
    expect(askedOfSource([])).toBeNaN();
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
