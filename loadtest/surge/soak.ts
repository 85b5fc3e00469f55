// Whether it stays as it is: the slope of what must be flat, over the part of a load in which all has settled. Memory
// is judged by what a process keeps when it has collected its garbage, and by what lies outside its heap. It collects
// by itself once in half an hour, so it is told to now and then.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Budget, Figure } from '../report/result.ts';
import { ROOT } from '../rig/root.ts';
import { atMost } from './budgets.ts';
import { mean } from './mean.ts';
import { MEMORY } from './plots.ts';
import { restart } from './restart.ts';
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

/** Of the load: when the services collect their garbage; as often in its first third as in its last. */
const COLLECTED_AT = [0.08, 0.2, 0.32, 0.42, 0.52, 0.62, 0.72, 0.84, 0.96];
/** In less, a slope by the hour is noise, and so is what one collection makes of a third: told, and not judged. */
const JUDGED_S_LEAST = 1_500;

export async function soak(stage: Stage): Promise<Outcome> {
  const { rig, plan } = stage;
  const hook = pathToFileURL(join(ROOT, 'loadtest/rig/collect.mjs')).href;
  await restart(rig, { NODE_OPTIONS: `--import=${hook}` });
  // One after the other: no two stand still at once.
  const due = COLLECTED_AT.flatMap((share) => rig.services.map((one) => ({ share, one })));
  const loaded = await stage.load({
    script: 'soak',
    onSample(_, second) {
      const [next] = due;
      if (!next || second < next.share * plan.secondsOfLoad) return;
      due.shift();
      // One that has ended is told of in the end.
      if (next.one.runs()) process.kill(next.one.pid, 'SIGUSR2');
    },
  });
  const outcome = outcomeOf(stage, loaded);
  const { budgets, figures } = drift(loaded, plan.secondsOfLoad >= JUDGED_S_LEAST);
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
    budgets: [
      ...(isLong
        ? [
            atMost('memory_slope{kept}', MEMORY_MB_PER_H_MAX, kept, ' MB an hour'),
            atMost('memory_slope{outside the heap}', MEMORY_MB_PER_H_MAX, outside, ' MB an hour'),
            atMost('descriptors', DESCRIPTORS_PER_H_MAX, descriptors, ' an hour'),
            atMost('p99_drift', p99MostMs, late, ' ms'),
          ]
        : []),
    ],
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
