// What is drawn of a run.

import { LATE_SHARE } from '../lib/steps.ts';
import type { Plot } from '../report/result.ts';
import { scriptColumns, sumOf, systemColumns, thinned } from './columns.ts';
import { SOURCE_IN_FLIGHT_MAX, SOURCE_QUERIES_PER_S_MAX } from './fleet.ts';
import type { Limits } from './plan.ts';
import type { Seconds } from './seconds.ts';
import type { Sample } from './watch.ts';

export interface Drawn {
  /** When the load began. */
  readonly fromMs: number;
  readonly seconds: Seconds;
  readonly samples: readonly Sample[];
  /** Epoch second -> share of the CPU that the generator may use. */
  readonly generatorShares: ReadonlyMap<number, number>;
  readonly generatorCores: number;
  readonly limits: Pick<Limits, 'httpLateMs' | 'grpcLateMs'>;
}

const MB = 1_000_000;
/** What a service says of its memory. */
export const MEMORY = {
  resident: 'lookup_memory_bytes',
  heap: 'lookup_memory_heap_bytes',
  /** After a full collection. */
  kept: 'lookup_memory_kept_bytes',
};
/** Answers older than this must say so. */
const STALE_S = 2;

export function plotsOf(drawn: Drawn): Plot[] {
  return [...scriptPlots(drawn), ...answerPlots(drawn), ...machinePlots(drawn)].map((plot) =>
    thinned(plot),
  );
}

function scriptPlots({ seconds, fromMs, limits }: Drawn): Plot[] {
  const { at, counts, share, took, notGood } = scriptColumns(seconds, fromMs);
  const percentiles = (door: 'http' | 'grpc' | 'line') =>
    [0.5, 0.99, 0.999].map((q) => ({ label: `p${q * 100}`, values: took(door, q) }));
  const late = (door: 'http' | 'grpc' | 'line') => ({
    label: 'late',
    value: door === 'http' ? limits.httpLateMs : limits.grpcLateMs,
  });
  const times = (title: string, door: 'http' | 'grpc' | 'line'): Plot => ({
    ...{ title, unit: 'ms', at, logarithmic: true },
    ...{ series: percentiles(door), limit: late(door) },
  });
  return [
    {
      ...{ title: 'The morning’s curve', unit: 'questions a second', at },
      series: (['asked', 'answered', 'shed', 'failed', 'wrong'] as const).map((label) => ({
        label,
        values: counts(label),
      })),
    },
    {
      ...{ title: 'Late or unanswered', unit: '%', at },
      series: [{ label: 'of questions', values: notGood(limits.httpLateMs, limits.grpcLateMs) }],
      limit: { label: 'allowed', value: LATE_SHARE * 100 },
    },
    times('Phones: time to an answer', 'http'),
    times('Gates: time to an answer', 'grpc'),
    times('Gates on a stream: time to an answer', 'line'),
    {
      ...{ title: 'Gates: which layer answered', unit: '%', at },
      series: ['MEMORY', 'REDIS', 'SOURCE'].map((layer) => ({
        label: layer.toLowerCase(),
        values: share(`LAYER_${layer}`),
      })),
    },
  ];
}

function answerPlots({ samples, fromMs }: Drawn): Plot[] {
  const { at, rate, value } = systemColumns(samples, fromMs);
  const counted = (label: string, name: RegExp) => ({
    label,
    values: rate((sample) => sumOf(sample, name)),
  });
  return [
    {
      ...{ title: 'Phones and gates: which layer answered', unit: 'answers a second', at },
      series: ['memory', 'redis', 'source'].map((layer) =>
        counted(layer, new RegExp(`^lookup_found_total.*layer="${layer}"`)),
      ),
    },
    {
      ...{ title: 'Queries to the source, counted there', unit: 'a second', at },
      series: [{ label: 'queries', values: rate(({ source }) => source?.queries) }],
      limit: { label: 'budget', value: SOURCE_QUERIES_PER_S_MAX },
    },
    {
      ...{ title: 'Queries at once, counted at the source', unit: 'queries', at },
      series: [{ label: 'at once', values: value(({ source }) => source?.inFlight) }],
      limit: { label: 'budget', value: SOURCE_IN_FLIGHT_MAX },
    },
    {
      ...{ title: 'How far behind the source the services are', unit: 's', at },
      series: eachService(samples, (i) =>
        value(({ services }) => services[i]?.get('lookup_feed_age_seconds')),
      ),
      limit: { label: 'stale', value: STALE_S },
    },
    {
      ...{ title: 'Refused at the door, and answers marked stale', unit: 'a second', at },
      series: [
        counted('photos', /^lookup_admission_photo_/),
        counted('phones', /^lookup_admission_http_/),
        counted('gates', /^lookup_admission_grpc_/),
        counted('stale', /^lookup_outcomes_total.*outcome="stale"/),
      ],
    },
    {
      ...{
        title: 'Refused at the door, by cause, and left without an answer',
        unit: 'a second',
        at,
      },
      series: [
        ...['delay', 'in_flight', 'stalled'].map((cause) =>
          counted(cause.replace('_', ' '), new RegExp(`^lookup_admission_\\w+_${cause}_total`)),
        ),
        ...['unavailable', 'deadline', 'failed'].map((outcome) =>
          counted(outcome, new RegExp(`^lookup_outcomes_total.*outcome="${outcome}"`)),
        ),
      ],
    },
  ];
}

function machinePlots(drawn: Drawn): Plot[] {
  const { samples, fromMs, generatorShares, generatorCores } = drawn;
  const { at, rate, value } = systemColumns(samples, fromMs);
  const generator = samples.map(({ atMs }) => {
    const share = generatorShares.get(Math.floor(atMs / 1_000));
    return share === undefined ? null : share * generatorCores;
  });
  const ours = (['services', 'relays', 'redis', 'source'] as const).map((label) => ({
    label,
    values: rate(({ cpuS }) => cpuS[label]),
  }));
  const known = [{ label: 'generator', values: generator }, ...ours];
  const others = rate(({ cpuS }) => cpuS.machine).map((all, i) =>
    all === null ? null : known.reduce((rest, { values }) => rest - (values[i] ?? 0), all),
  );
  const stoodStill = (label: string, pick: (of: Sample['stoodStillS']) => number | undefined) => ({
    label,
    values: rate(({ stoodStillS }) => pick(stoodStillS)).map((s) => (s === null ? null : s * 100)),
  });
  return [
    {
      ...{ title: 'CPU', unit: 'cores', at },
      // What is measured beside somebody busy is theirs as well.
      series: [...known, { label: 'others', values: others }],
    },
    {
      ...{ title: 'The machine stood still', unit: '% of the time', at },
      series: [
        stoodStill('stolen by another machine, a core', ({ stolen }) => stolen),
        stoodStill('for want of memory', ({ memory }) => memory),
        stoodStill('for want of a disk', ({ io }) => io),
      ],
    },
    {
      ...{ title: 'How late the services’ event loops are', unit: 'ms', at },
      series: eachService(samples, (i) =>
        value(({ services }) => {
          const seconds = services[i]?.get('lookup_event_loop_delay_seconds');
          return seconds === undefined ? undefined : seconds * 1_000;
        }),
      ),
    },
    {
      ...{ title: 'Memory of the services', unit: 'MB', at },
      series: eachService(samples, (i) =>
        value(({ memoryBytes }) => {
          const bytes = memoryBytes[i];
          return bytes === undefined ? undefined : bytes / MB;
        }),
      ),
    },
    {
      ...{ title: 'Memory of the services, after a full collection', unit: 'MB', at },
      series: eachService(samples, (i) =>
        value(({ services }) => {
          const bytes = services[i]?.get(MEMORY.kept);
          return bytes ? bytes / MB : undefined;
        }),
      ),
    },
    {
      ...{ title: 'The services stood still to collect garbage', unit: '% of the time', at },
      series: eachService(samples, (i) =>
        rate(({ services }) => services[i]?.get('lookup_collections_seconds_total')).map((s) =>
          s === null ? null : s * 100,
        ),
      ),
    },
  ];
}

const eachService = (
  samples: readonly Sample[],
  values: (i: number) => (number | null)[],
): Plot['series'] =>
  (samples[0]?.services ?? []).map((_, i) => ({ label: `service-${i + 1}`, values: values(i) }));
