// The figures and verdicts that every load has, whatever its scenario.

import type { Budget, Figure } from '../report/result.ts';
import { atMost, budget, budgetsOf } from './budgets.ts';
import { sumOf } from './columns.ts';
import { SOURCE_IN_FLIGHT_MAX, SOURCE_QUERIES_PER_S_MAX } from './fleet.ts';
import { mean } from './mean.ts';
import type { Loaded } from './stage.ts';
import type { Sample } from './watch.ts';

/** Name in the script's summary -> as it is told. */
const COUNTS: Readonly<Record<string, string>> = {
  asked: 'questions asked',
  answered: 'answered',
  people_answered: 'different people answered',
  wrong: 'wrong answers',
  stale_unmarked: 'stale and not marked',
  stale_marked: 'marked stale',
  shed: 'shed',
  failed: 'failed',
  retried: 'came back after an error',
  photos_answered: 'photos seen',
  photos_shed: 'photos refused',
};
const TIMES: Readonly<Record<string, string>> = {
  http_ms: 'phones',
  grpc_ms: 'gates',
  line_ms: 'gates on a stream',
  photo_ms: 'photos',
  visible_ms: 'a change shows',
};
const PERCENTILES = ['p(50)', 'p(99)', 'p(99.9)'] as const;
const BAD = new Set(['wrong', 'stale_unmarked', 'shed', 'failed', 'retried']);
const PEAK_WINDOW_S = 10;

export function figuresOf(loaded: Loaded): Figure[] {
  const { ended, samples, generatorShares, generatorCores, fromMs } = loaded;
  const { metrics, testRunDurationMs } = ended.summary;
  const value = (name: string, key: string) => metrics[name]?.values[key];
  const counts = Object.entries(COUNTS).map(
    ([name, label]): Figure => ({
      ...{ name: label, value: value(name, 'count') ?? 0, unit: '' },
      ...(BAD.has(name) && { better: 'less' }),
    }),
  );
  const times = Object.entries(TIMES).flatMap(([name, label]) =>
    PERCENTILES.flatMap((key): Figure[] => {
      const ms = value(name, key);
      if (ms === undefined || (value(name, 'count') ?? 0) === 0) return [];
      return [
        { name: `${label}, ${key.replace(/[()]/g, '')}`, value: ms, unit: 'ms', better: 'less' },
      ];
    }),
  );
  const shares = ['memory', 'redis', 'source'].map(
    (layer): Figure => ({
      name: `gates answered by ${layer}`,
      value: (value(`from_${layer}`, 'rate') ?? 0) * 100,
      unit: '%',
    }),
  );
  const generator = [...generatorShares]
    .filter(([at]) => at * 1_000 >= fromMs)
    .map(([, share]) => share * generatorCores);
  const asked = value('asked', 'count') ?? 0;
  const cpuUs = usedOf(samples, 'services') * 1_000_000;
  return [
    { name: 'held, ten seconds long', value: peakOf(loaded), unit: '/s', better: 'more' },
    { name: 'seconds of load', value: testRunDurationMs / 1_000, unit: 's' },
    ...counts,
    ...times,
    ...shares,
    {
      name: 'CPU of the services for a question',
      value: cpuUs / Math.max(1, asked),
      unit: 'µs',
      better: 'less',
    },
    { name: 'CPU of the generator, most', value: Math.max(0, ...generator), unit: 'cores' },
    { name: 'CPU of the generator, mean', value: mean(generator), unit: 'cores' },
    {
      name: 'CPU taken by others, mean',
      value: cpuOfOthers(loaded, mean(generator)),
      unit: 'cores',
    },
    { name: 'queries to the source', value: queriesOf(samples), unit: '' },
  ];
}

/** Questions answered a second, in the best stretch. */
export function peakOf({ ended: { seconds } }: Loaded): number {
  const rows = [...seconds.bySecond].sort(([a], [b]) => a - b).map(([, row]) => row.answered);
  let best = 0;
  for (let i = PEAK_WINDOW_S; i <= rows.length; i++)
    best = Math.max(best, mean(rows.slice(i - PEAK_WINDOW_S, i)));
  return best;
}

/** CPU seconds between the first sample and the last. */
export function usedOf(samples: readonly Sample[], who: keyof Sample['cpuS']): number {
  const [first, last] = [samples[0], samples.at(-1)];
  return first && last ? Math.max(0, last.cpuS[who] - first.cpuS[who]) : 0;
}

/** Of the machine, by whoever has no part in the run. */
function cpuOfOthers({ samples }: Loaded, generator: number): number {
  const [first, last] = [samples[0], samples.at(-1)];
  const seconds = first && last ? (last.atMs - first.atMs) / 1_000 : 0;
  if (seconds === 0) return 0;
  const ours = (['services', 'relays', 'redis', 'source'] as const).reduce(
    (sum, who) => sum + usedOf(samples, who),
    0,
  );
  return Math.max(0, (usedOf(samples, 'machine') - ours) / seconds - generator);
}

function queriesOf(samples: readonly Sample[]): number {
  const counted = samples.flatMap(({ source }) => (source ? [source.queries] : []));
  return counted.length === 0 ? 0 : (counted.at(-1) as number) - (counted[0] as number);
}

/** The script's own, and the source's. */
export function commonBudgets(loaded: Loaded): Budget[] {
  const { isWhole } = loaded.ended;
  return [
    budget('ended_in_time', 'by itself', isWhole ? 'by itself' : 'it was ended', isWhole),
    ...budgetsOf(loaded.ended.summary.metrics),
    ...sourceBudgets(loaded.samples),
    ...changeBudgets(loaded),
  ];
}

/** Two looks a second apart are never quite that: of two seconds is what a second is judged by. */
const RATE_OVER = 2;

export function sourceBudgets(samples: readonly Sample[]): Budget[] {
  const rates = samples.flatMap((sample, i) => {
    const before = samples[i - RATE_OVER];
    if (!before?.source || !sample.source || sample.source.queries < before.source.queries)
      return [];
    return [
      ((sample.source.queries - before.source.queries) * 1_000) / (sample.atMs - before.atMs),
    ];
  });
  const inFlight = samples.map(({ source }) => source?.inFlight ?? 0);
  const uncounted = samples.filter(({ source }) => !source).length;
  return [
    atMost('source_queries_per_s', SOURCE_QUERIES_PER_S_MAX, Math.max(0, ...rates)),
    atMost('source_in_flight', SOURCE_IN_FLIGHT_MAX, Math.max(0, ...inFlight)),
    budget(
      'source_counted',
      'every second',
      `${samples.length - uncounted} of ${samples.length} seconds`,
      rates.length > 0 && uncounted === 0,
    ),
  ];
}

function changeBudgets({ changed, schedule }: Loaded): Budget[] {
  if (!changed || !schedule) return [];
  return [
    atMost('changes_late', schedule.lateMs, changed.lateMaxMs, ' ms'),
    budget('changes_made', 'at least one', `${changed.made}`, changed.made > 0),
  ];
}

/** People asked of the source during a load; not a number where a process did not tell. */
export function askedOfSource(samples: readonly Sample[]): number {
  const name = /^lookup_source_subjects_total/;
  const [first, last] = [samples[0], samples.at(-1)];
  const of = (sample: Sample | undefined) => (sample && sumOf(sample, name)) ?? Number.NaN;
  return of(last) - of(first);
}
