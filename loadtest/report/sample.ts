// A made result for the tests: a morning that is warm, with a fault in its peak and figures that are not all there.

import type { Plot, Result, Series } from './result.ts';

const SECONDS = 420;
const AT = Array.from({ length: SECONDS }, (_, s) => s);

/** The same at every run: from -1 to 1. */
const noise = (s: number, seed: number) => Math.sin(s * 12.9898 + seed * 78.233) % 1;

/** Of the peak: rises for two minutes, stays for three, falls for two. */
const loadAt = (s: number) => Math.min(1, s / 120, (SECONDS - s) / 120);
/** For half a minute in the peak, a process is away. */
const hurtAt = (s: number) => (s >= 200 && s < 230 ? Math.sin(((s - 200) / 30) * Math.PI) : 0);

const line = (label: string, valueAt: (s: number) => number | null): Series => ({
  label,
  values: AT.map(valueAt),
});

const rough = (label: string, seed: number, valueAt: (s: number) => number) =>
  line(label, (s) => Math.max(0, valueAt(s) * (1 + 0.06 * noise(s, seed))));

const plots = (): Plot[] => [
  {
    title: 'Questions by door',
    unit: '/s',
    at: AT,
    series: [
      rough('phones', 1, (s) => 3_600 * loadAt(s)),
      rough('gates', 2, (s) => 1_700 * loadAt(s)),
    ],
  },
  {
    title: 'Time to answer, phones',
    unit: 'ms',
    at: AT,
    logarithmic: true,
    limit: { label: 'late: 100 ms', value: 100 },
    series: [
      rough('half', 3, (s) => 1.1 + loadAt(s)),
      rough('99 %', 4, (s) => 6 + 8 * loadAt(s) + 70 * hurtAt(s)),
      rough('99.9 %', 5, (s) => 14 + 20 * loadAt(s) + 240 * hurtAt(s)),
    ],
  },
  {
    title: 'Questions without an answer',
    unit: '/s',
    at: AT,
    series: [
      line('shed', (s) => Math.round(48 * hurtAt(s))),
      line('failed', (s) => (s === 204 ? 3 : 0)),
      line('wrong', () => 0),
    ],
  },
  {
    title: 'What the source is asked',
    unit: '/s',
    at: AT,
    limit: { label: 'at most 500/s', value: 500 },
    series: [rough('queries', 6, (s) => 30 + 90 * loadAt(s) + 260 * hurtAt(s))],
  },
  {
    title: 'Where answers come from',
    unit: '%',
    at: AT,
    series: [
      rough('memory', 7, (s) => 20 + 50 * loadAt(s)),
      rough('Redis', 8, (s) => 78 - 50 * loadAt(s)),
      rough('source', 9, () => 1.5),
    ],
  },
  {
    title: 'Memory of the processes',
    unit: 'MB',
    at: AT.filter((s) => s % 5 === 0),
    limit: { label: 'at most 4,096 MB', value: 4_096 },
    series: ['service 1', 'service 2', 'relay 1', 'relay 2', 'Redis 1', 'Redis 2', 'Redis 3'].map(
      (label, i) => ({
        label,
        values: AT.filter((s) => s % 5 === 0).map((s) =>
          i === 1 && s >= 200 && s < 230 ? null : 90 + 40 * i + 60 * loadAt(s) + 4 * noise(s, i),
        ),
      }),
    ),
  },
  {
    title: 'Behind the feed',
    unit: 'ms',
    at: AT,
    logarithmic: true,
    series: [line('service 1', (s) => (s % 90 < 4 ? null : 4 + 2 * noise(s, 10)))],
  },
  {
    title: 'Processors, of all cores',
    unit: '%',
    at: AT,
    series: [
      rough('services', 11, (s) => 8 + 52 * loadAt(s)),
      rough('Redis', 12, (s) => 3 + 9 * loadAt(s)),
      rough('generator', 13, (s) => 2 + 22 * loadAt(s)),
    ],
  },
  {
    title: 'Changes until they are seen',
    unit: 'ms',
    at: [],
    series: [{ label: 'service 1', values: [] }],
  },
];

export const sampleResult = (more: Partial<Result> = {}): Result => ({
  format: 1,
  scenario: 'morning-surge',
  question:
    'Does everyone get the right answer in time on the morning of ten million, in a city that is warm?',
  scale: 'full',
  startedAt: '2026-11-27T20:45:12.000Z',
  seconds: SECONDS,
  commit: '0a6adae',
  changed: true,
  machine: { processor: 'made up, 2 cores', memory: '8 GB', node: 'v24.11.0', k6: 'v1.7.0' },
  settings: { people: 100_000, 'peak rate': '3,600/s', services: 2, relays: 2, masters: 3 },
  ok: false,
  budgets: [
    budget('wrong', 'none', '0', true, 'Someone was told what is not so: stop, and find out why.'),
    budget(
      'stale_unmarked',
      'none',
      '0',
      true,
      'Old answers that do not say so: look at the feed.',
    ),
    budget(
      'shed',
      'none',
      '712',
      false,
      'People were sent away: more processes, or a slower rise.',
    ),
    budget('http_in_time', 'at least 99 %', '98.2 %', false, 'Phones wait: see where time goes.'),
    budget('grpc_in_time', 'at least 99 %', '99.7 %', true, 'Gates wait: see where time goes.'),
    budget(
      'source_queries_per_s',
      'at most 500/s',
      '402/s',
      true,
      'The source is asked too often.',
    ),
    budget('people_answered', '100,000', '100,000', true, 'Some had no answer, not even later.'),
    budget('generator_late', 'below 1 %', '0.02 %', true, 'The generator was too slow to judge.'),
  ],
  figures: [
    { name: 'people answered', value: 100_000, unit: '' },
    { name: 'questions', value: 1_512_344, unit: '' },
    { name: 'peak rate', value: 5_388, unit: '/s', better: 'more' },
    { name: 'phones, half', value: 2.1, unit: 'ms', better: 'less' },
    { name: 'phones, 99 %', value: 84.3, unit: 'ms', better: 'less' },
    { name: 'gates, 99 %', value: 9.61, unit: 'ms', better: 'less' },
    { name: 'in time', value: 98.217, unit: '%', better: 'more' },
    { name: 'shed', value: 712, unit: '', better: 'less' },
    { name: 'from memory', value: 68.1, unit: '%' },
    { name: 'memory, most', value: 391, unit: 'MB', better: 'less' },
  ],
  plots: plots(),
  phases: [
    { name: 'rise', fromS: 0, toS: 120 },
    { name: 'peak', fromS: 120, toS: 300 },
    { name: 'fall', fromS: 300, toS: 420 },
    { name: 'a process is away', fromS: 200, toS: 230 },
  ],
  ...more,
});

function budget(name: string, asked: string, found: string, ok: boolean, meaning: string) {
  return { name, asked, found, ok, meaning };
}
