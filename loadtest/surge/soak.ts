// Whether it stays as it is: the slope of what must be flat, over the part of a load in which all has settled. Memory
// is judged by what a process keeps whenever it has collected all its garbage, and by what lies outside its heap.

import type { Budget, Figure } from '../report/result.ts';
import { atMost } from './budgets.ts';
import { mean } from './mean.ts';
import { MEMORY } from './plots.ts';
import { type Outcome, outcomeOf } from './scenarios.ts';
import { quantile } from './seconds.ts';
import type { Loaded, Stage } from './stage.ts';
import type { Sample } from './watch.ts';

/** Until memory and tokens are as full as they will be. */
const SETTLED_SHARE = 0.4;
const MEMORY_MB_PER_H_MAX = 20;
const DESCRIPTORS_PER_H_MAX = 20;
const P99_GROWTH_MAX = 1.5;
/** Below this a percentile is the machine's noise. */
const NOISE_MS = 5;

/** In less, a slope by the hour is noise: told, and not judged. */
const JUDGED_S_LEAST = 1_500;

export async function soak(stage: Stage): Promise<Outcome> {
  const loaded = await stage.load({ script: 'soak' });
  const outcome = outcomeOf(stage, loaded);
  const { budgets, figures } = drift(loaded, stage.plan.secondsOfLoad >= JUDGED_S_LEAST);
  return {
    ...outcome,
    budgets: [...outcome.budgets, ...budgets],
    figures: [...outcome.figures, ...figures],
  };
}

/** @param isLong whether a slope by the hour can be told */
export function drift(loaded: Loaded, isLong: boolean): { budgets: Budget[]; figures: Figure[] } {
  const { samples, fromMs, ended } = loaded;
  const lastMs = samples.at(-1)?.atMs ?? fromMs;
  const settled = samples.filter(({ atMs }) => atMs > fromMs + (lastMs - fromMs) * SETTLED_SHARE);
  const steepest = (pointsOf: (i: number) => Point[]) =>
    Math.max(...(settled[0]?.services ?? []).map((_, i) => slopePerHour(pointsOf(i))));
  const resident = steepest((i) => points(settled, ({ memoryBytes }) => mega(memoryBytes[i])));
  const kept = steepest((i) =>
    changesOf(points(settled, ({ services }) => mega(services[i]?.get(MEMORY.kept)))),
  );
  const outside = steepest((i) => points(settled, ({ services }) => outsideHeap(services[i])));
  const descriptors = steepest((i) => points(settled, (sample) => sample.descriptors[i]));
  const [early, late] = thirds(ended.seconds);
  const p99MostMs = Math.round(Math.max(early, NOISE_MS) * P99_GROWTH_MAX * 10) / 10;
  return {
    budgets: isLong
      ? [
          atMost('memory_slope{kept}', MEMORY_MB_PER_H_MAX, kept, ' MB an hour'),
          atMost('memory_slope{outside the heap}', MEMORY_MB_PER_H_MAX, outside, ' MB an hour'),
          atMost('descriptors', DESCRIPTORS_PER_H_MAX, descriptors, ' an hour'),
          atMost('p99_drift', p99MostMs, late, ' ms'),
        ]
      : [],
    figures: [
      ...(Number.isNaN(kept)
        ? []
        : [figure('memory of a service grows, without garbage', kept, 'MB/h')]),
      ...(Number.isNaN(outside)
        ? []
        : [figure('memory of a service grows, outside the heap', outside, 'MB/h')]),
      figure('memory of a service grows', resident, 'MB/h'),
      figure('descriptors of a service grow', descriptors, '/h'),
      figure('phones, p99 in the first third', early, 'ms'),
      figure('phones, p99 in the last third', late, 'ms'),
    ],
  };
}

const figure = (name: string, value: number, unit: string): Figure => ({
  ...{ name, value, unit },
  better: 'less',
});

interface Point {
  readonly atMs: number;
  readonly value: number;
}

const mega = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / 1e6);

/** Of what the service said in one answer; connections and buffers are there. */
function outsideHeap(service: Sample['services'][number]): number | undefined {
  const [resident, heap] = [service?.get(MEMORY.resident), service?.get(MEMORY.heap)];
  return resident === undefined || heap === undefined ? undefined : mega(resident - heap);
}

const points = (samples: Loaded['samples'], pick: (sample: Sample) => number | undefined) =>
  samples.flatMap((sample): Point[] => {
    const value = pick(sample);
    return value === undefined ? [] : [{ atMs: sample.atMs, value }];
  });

/** Each collection tells anew; what stands from before all had settled is no point. */
const changesOf = (all: readonly Point[]) =>
  all.filter(({ value }, i) => i > 0 && value !== all[i - 1]?.value);

/** Least squares. */
function slopePerHour(points: readonly Point[]): number {
  const [first] = points;
  if (!first || points.length < 3) return Number.NaN;
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
