// Whether it stays as it is: the slope of what must be flat, over the part of a load in which all has settled.

import type { Budget, Figure } from '../report/result.ts';
import { atMost } from './budgets.ts';
import { mean } from './mean.ts';
import { quantile } from './seconds.ts';
import type { Loaded } from './stage.ts';

/** Until memory and tokens are as full as they will be. */
const SETTLED_SHARE = 0.4;
const MEMORY_MB_PER_H_MAX = 20;
const DESCRIPTORS_PER_H_MAX = 20;
const P99_GROWTH_MAX = 1.5;
/** Below this a percentile is the machine's noise. */
const NOISE_MS = 5;

export function drift(loaded: Loaded): { budgets: Budget[]; figures: Figure[] } {
  const { samples, fromMs, ended } = loaded;
  const lastMs = samples.at(-1)?.atMs ?? fromMs;
  const settled = samples.filter(({ atMs }) => atMs > fromMs + (lastMs - fromMs) * SETTLED_SHARE);
  const perHour = (pick: (i: number, sample: (typeof samples)[number]) => number | undefined) =>
    Math.max(
      ...(settled[0]?.memoryBytes ?? []).map((_, i) =>
        slopePerHour(
          settled.flatMap((sample) => {
            const value = pick(i, sample);
            return value === undefined ? [] : [{ atMs: sample.atMs, value }];
          }),
        ),
      ),
    );
  const memory = perHour((i, { memoryBytes }) => {
    const bytes = memoryBytes[i];
    return bytes === undefined ? undefined : bytes / 1e6;
  });
  const descriptors = perHour((i, sample) => sample.descriptors[i]);
  const [early, late] = thirds(ended.seconds);
  return {
    budgets: [
      atMost('memory_slope', MEMORY_MB_PER_H_MAX, memory, ' MB an hour'),
      atMost('descriptors', DESCRIPTORS_PER_H_MAX, descriptors, ' an hour'),
      atMost('p99_drift', Math.max(early, NOISE_MS) * P99_GROWTH_MAX, late, ' ms'),
    ],
    figures: [
      { name: 'memory of a service grows', value: memory, unit: 'MB/h', better: 'less' },
      { name: 'descriptors of a service grow', value: descriptors, unit: '/h', better: 'less' },
      { name: 'phones, p99 in the first third', value: early, unit: 'ms', better: 'less' },
      { name: 'phones, p99 in the last third', value: late, unit: 'ms', better: 'less' },
    ],
  };
}

/** Least squares. */
function slopePerHour(
  points: readonly { readonly atMs: number; readonly value: number }[],
): number {
  const [first] = points;
  if (!first || points.length < 2) return Number.NaN;
  const hours = points.map(({ atMs }) => (atMs - first.atMs) / 3_600_000);
  const [x, y] = [mean(hours), mean(points.map(({ value }) => value))];
  let [over, under] = [0, 0];
  for (const [i, hour] of hours.entries()) {
    over += (hour - x) * ((points[i]?.value ?? 0) - y);
    under += (hour - x) ** 2;
  }
  return over / under;
}

/** p99 of phones in the first and in the last third of the load. */
function thirds(seconds: Loaded['ended']['seconds']): [number, number] {
  const rows = [...seconds.bySecond].sort(([a], [b]) => a - b).map(([, row]) => row);
  const p99 = (part: typeof rows) => {
    const took: Record<number, number> = {};
    for (const row of part)
      for (const [bucket, count] of Object.entries(row.took.http))
        took[Number(bucket)] = (took[Number(bucket)] ?? 0) + count;
    return quantile(took, 0.99) ?? Number.NaN;
  };
  const third = Math.floor(rows.length / 3);
  return [p99(rows.slice(0, third)), p99(rows.slice(-third))];
}
