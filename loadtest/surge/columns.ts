// Samples of the system and seconds of the script as columns, one row a second from the beginning of the load.

import type { Plot } from '../report/result.ts';
import { inTime, quantile, type Second, type Seconds } from './seconds.ts';
import type { Sample } from './watch.ts';

type Values = (number | null)[];

/** Of the script. */
export function scriptColumns(seconds: Seconds, fromMs: number) {
  const from = Math.floor(fromMs / 1_000);
  const last = Math.max(from, ...seconds.bySecond.keys());
  const rows = Array.from({ length: last - from + 1 }, (_, i) => seconds.bySecond.get(from + i));
  const counts = (name: 'asked' | 'answered' | 'shed' | 'failed' | 'wrong' | 'unmarked') =>
    rows.map((row) => row?.[name] ?? 0);
  const share = (layer: string): Values => rows.map((row) => shareOf(row, layer));
  const took = (door: 'http' | 'grpc' | 'line', q: number): Values =>
    rows.map((row) => (row && quantile(row.took[door], q)) ?? null);
  /** Of a hundred questions: unanswered, or later than a phone and a gate may wait. */
  const notGood = (httpLateMs: number, grpcLateMs: number): Values =>
    rows.map((row) => {
      if (!row || row.asked === 0) return null;
      const { http, grpc, line } = row.took;
      const good = inTime(http, httpLateMs) + inTime(grpc, grpcLateMs) + inTime(line, grpcLateMs);
      return Math.max(0, 1 - good / row.asked) * 100;
    });
  return { at: rows.map((_, i) => i), counts, share, took, notGood };
}

/** Of what gates were answered in this second; null: nothing was. */
function shareOf(row: Second | undefined, layer: string): number | null {
  if (!row) return null;
  const all = Object.values(row.from).reduce((sum, count) => sum + count, 0);
  return all === 0 ? null : ((row.from[layer] ?? 0) / all) * 100;
}

/** Of the system. */
export function systemColumns(samples: readonly Sample[], fromMs: number) {
  const at = samples.map(({ atMs }) => Math.round((atMs - fromMs) / 100) / 10);
  /** What is counted, a second; null: it was not measured, or the process is a new one that counts from zero. */
  const rate = (pick: (sample: Sample) => number | undefined): Values =>
    samples.map((sample, i) => {
      const before = samples[i - 1];
      const [was, is] = [before && pick(before), pick(sample)];
      if (before === undefined || was === undefined || is === undefined || is < was) return null;
      return ((is - was) * 1_000) / (sample.atMs - before.atMs);
    });
  const value = (pick: (sample: Sample) => number | undefined): Values =>
    samples.map((sample) => pick(sample) ?? null);
  return { at, rate, value };
}

/** Sum over the services of all metrics whose names match; undefined when one of them did not answer. */
export function sumOf(sample: Sample, name: RegExp): number | undefined {
  let sum = 0;
  for (const metrics of sample.services) {
    if (!metrics) return undefined;
    for (const [key, value] of metrics) if (name.test(key)) sum += value;
  }
  return sum;
}

/** Values of several seconds as one: a plot of an hour needs no row a second. */
export function thinned(plot: Plot, rowsMax = 1_500): Plot {
  const step = Math.ceil(plot.at.length / rowsMax);
  if (step <= 1) return plot;
  const starts = plot.at.flatMap((_, i) => (i % step === 0 ? [i] : []));
  // The largest of them: a short stall must not be smoothed away.
  const largest = (values: readonly (number | null)[], from: number) =>
    values
      .slice(from, from + step)
      .reduce((most, one) => (one !== null && (most === null || one > most) ? one : most), null);
  return {
    ...plot,
    at: starts.map((i) => plot.at[i] as number),
    series: plot.series.map(({ label, values }) => ({
      label,
      values: starts.map((i) => largest(values, i)),
    })),
  };
}
