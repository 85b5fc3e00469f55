// What an overload showed: whether the services said no well enough, and to a crowd that was one.

import type { Budget, Figure, Phase, Plot } from '../report/result.ts';
import { atLeast, atMost, budget } from './budgets.ts';
import { sumOf } from './columns.ts';
import { type FloodSecond, LATE_MS, REFUSED_MS } from './flood.ts';
import type { Floods } from './floods.ts';
import { mean } from './mean.ts';
import { MEMORY } from './plots.ts';
import { inTime, quantile, type Second } from './seconds.ts';
import type { Loaded } from './stage.ts';

/** Questions a second that were held on the services' share of a core. */
export interface Capacities {
  readonly capacity: number;
  /** With admission off. */
  readonly unguarded: number;
  /** Whether it was the services that gave way then, both times. */
  readonly areFound: boolean;
}

/** Of a flood: neither answered nor refused, within the ten seconds that it waits. */
const FAILED_MOST = 0.001;
/** Of the ordinary load before the flood, for what is compared. */
const BEFORE_S = 15;
/** For how long the ordinary load goes on after the flood. */
export const AFTER_S = 40;

/** Of memory: those who flooded have their tokens and records in bounded caches, which stay as full as they are. */
const WANTED = {
  ...{ goodput: 0.9, admission: 0.8, refusedPercent: 99, recoveryS: 10, memoryShare: 1.3 },
  /** Of those who were answered before: phones are shed first. */
  gatesPercent: 90,
  /** Of ten: a flood that is not one has shown nothing. */
  times: 9,
};

export function overloaded(
  loaded: Loaded,
  { first: firstFlood, judged: flood }: Floods,
  { capacity, unguarded, areFound }: Capacities,
): { budgets: Budget[]; figures: Figure[]; phases: Phase[] } {
  const [first, last] = [flood[0]?.at ?? 0, flood.at(-1)?.at ?? 0];
  const from = loaded.fromMs / 1_000;
  // In the first second its connections begin, and in the last they end.
  const whole = flood.slice(1, -1);
  const bySecond = [...loaded.ended.seconds.bySecond];
  const during = bySecond.filter(([at]) => at > first && at < last);
  const before = bySecond.filter(([at]) => at < first && at >= first - BEFORE_S);
  const goodput =
    mean(whole.map(({ inTime }) => inTime)) + mean(during.map(([, row]) => ordinaryInTime(row)));
  const asked =
    mean(whole.map((one) => one.answered + one.refused + one.other)) +
    mean(during.map(([, row]) => row.asked));
  const times = asked / Math.max(1, capacity, unguarded);
  const refused = sumOver(whole, 'refused');
  const others = sumOver(whole, 'other');
  const refusedInPercent = refusedInTimePercent(whole);
  const recovery = recoveryS(loaded, last);
  const memory = memoryAt(loaded, firstFlood[0]?.at ?? first);
  const memoryAfter = memoryAt(loaded, last + AFTER_S - 5);
  const budgets: Budget[] = [
    budget('capacity_found', 'both', areFound ? 'both' : 'not both', areFound),
    atLeast('admission_cost', Math.round(unguarded * WANTED.admission), capacity, '/s'),
    atLeast('overload_times', WANTED.times, times),
    atLeast('refusals', 1, refused),
    atLeast('goodput', Math.round(capacity * WANTED.goodput), goodput, '/s'),
    atLeast('refusals_in_time', WANTED.refusedPercent, refusedInPercent, ' %'),
    atMost('flood_failed', Math.round(asked * whole.length * FAILED_MOST), others),
    atLeast('gates_as_before', WANTED.gatesPercent, percent(gates(during), gates(before)), ' %'),
    atMost('recovery_s', WANTED.recoveryS, recovery, ' s'),
    atMost('memory_after', Math.round(memory * WANTED.memoryShare), memoryAfter, ' MB'),
  ];
  const figures: Figure[] = [
    { name: 'capacity on this share of a core', value: capacity, unit: '/s', better: 'more' },
    { name: 'the same with admission off', value: unguarded, unit: '/s' },
    { name: 'asked during the overload', value: asked, unit: '/s' },
    { name: 'times its capacity', value: times, unit: '' },
    { name: 'answered in time during the overload', value: goodput, unit: '/s', better: 'more' },
    { name: 'refused of the flood', value: refused, unit: '' },
    { name: 'neither answered nor refused of the flood', value: others, unit: '', better: 'less' },
    {
      ...{ name: `refusals within ${REFUSED_MS} ms`, unit: '%', better: 'more' },
      value: refusedInPercent,
    },
    {
      ...{ name: 'refusals, slowest p99 of a second', unit: 'ms', better: 'less' },
      value: Math.max(0, ...whole.map((one) => one.refusalP99Ms)),
    },
    {
      ...{ name: 'the flood itself was late, p99, mean of its seconds', unit: 'ms' },
      value: mean(whole.map((one) => one.ownLateMs)),
    },
    { name: 'as before, after', value: recovery, unit: 's', better: 'less' },
  ];
  const phases: Phase[] = [{ name: 'flood', fromS: first - from, toS: last - from }];
  return { budgets, figures, phases };
}

const sumOver = (flood: readonly FloodSecond[], name: 'refused' | 'refusedInTime' | 'other') =>
  flood.reduce((sum, one) => sum + one[name], 0);

export const refusedInTimePercent = (flood: readonly FloodSecond[]): number =>
  percent(sumOver(flood, 'refusedInTime'), sumOver(flood, 'refused'));

/** What became of both floods, each second. */
export function floodPlots({ first, judged }: Floods, fromMs: number): Plot[] {
  const from = Math.floor(fromMs / 1_000);
  const gap = (first.at(-1) ?? judged[0])?.at ?? from;
  const rows = [...first, undefined, ...judged];
  const at = rows.map((second) => (second?.at ?? gap) - from);
  const values = (pick: (second: FloodSecond) => number | null) =>
    rows.map((second) => (second ? pick(second) : null));
  return [
    {
      ...{ title: 'The flood', unit: 'questions a second', at },
      series: [
        { label: 'refused', values: values(({ refused }) => refused) },
        { label: 'answered', values: values(({ answered }) => answered) },
        { label: 'of them in time', values: values(({ inTime }) => inTime) },
        { label: 'neither', values: values(({ other }) => other) },
      ],
    },
    {
      ...{ title: 'The flood: time to a refusal', unit: 'ms', at, logarithmic: true },
      series: [
        {
          label: 'p99',
          values: values(({ refused, refusalP99Ms }) => (refused > 0 ? refusalP99Ms : null)),
        },
        { label: 'by how much the flood itself was late', values: values((one) => one.ownLateMs) },
      ],
      limit: { label: 'late', value: REFUSED_MS },
    },
  ];
}

const percent = (part: number, whole: number) => (part / Math.max(1, whole)) * 100;

const ordinaryInTime = ({ took }: Second) =>
  Object.values(took).reduce((sum, door) => sum + inTime(door, LATE_MS), 0);

/** Answered, a second. */
const gates = (seconds: readonly (readonly [number, Second])[]) =>
  mean(seconds.map(([, { took }]) => countOf(took.grpc) + countOf(took.line)));
const countOf = (took: Readonly<Record<string, number>>) => inTime(took, Number.POSITIVE_INFINITY);

/** So many seconds in a row are as they should be: it has recovered, and what comes later has another cause. */
const STEADY_S = 5;

/** Seconds after the flood until nobody is refused, and phones are answered in time; endless if that never lasts. */
function recoveryS({ ended: { seconds } }: Loaded, floodEnds: number): number {
  const after = [...seconds.bySecond].filter(([at]) => at > floodEnds).sort(([a], [b]) => a - b);
  let good = 0;
  for (const [at, row] of after) {
    const p99 = quantile(row.took.http, 0.99) ?? 0;
    good = row.shed + row.failed > 0 || p99 > LATE_MS ? 0 : good + 1;
    if (good === STEADY_S) return at - floodEnds - STEADY_S;
  }
  return Number.POSITIVE_INFINITY;
}

const RESIDENT = new RegExp(`^${MEMORY.resident}`);

/** Of all services, in MB; not a number where one of them did not tell. */
function memoryAt({ samples }: Loaded, second: number): number {
  const sample = samples.find(({ atMs }) => atMs >= second * 1_000) ?? samples.at(-1);
  return ((sample && sumOf(sample, RESIDENT)) ?? Number.NaN) / 1e6;
}
