// The end of a run: a page for people, and all of it as JSON for the runner (k6).

import { settings } from './settings.ts';
import type { Data } from './summary-data.ts';

const COUNTS = [
  ...['asked', 'answered', 'shed', 'failed', 'wrong', 'stale_unmarked', 'stale_marked'],
  ...['people_asked', 'people_answered', 'retried', 'gave_up', 'dropped_iterations'],
  ...['photos_asked', 'photos_answered', 'photos_shed', 'photos_failed', 'photos_wrong'],
];
const RATES = ['from_memory', 'from_redis', 'from_source', 'generator_late', 'generator_cpu_high'];
const TIMES = ['http_ms', 'grpc_ms', 'line_ms', 'hot_ms', 'visible_ms'];

/** @param more whatever else the scenario found out */
export const summaryOf =
  (scenario: string, more: (data: Data) => object = () => ({})) =>
  (data: Data): Record<string, string> => {
    const broken = brokenOf(data);
    const ok = broken.length === 0;
    const { tokenKeys: _keys, ...told } = settings;
    const found = more(data);
    const page = { scenario, ok, broken, ...found, settings: told };
    const { testRunDurationMs } = data.state;
    return {
      stdout: pageOf(scenario, data, broken) + linesOf(found),
      ...(settings.summary !== '' && {
        [settings.summary]: JSON.stringify({ ...page, testRunDurationMs, metrics: data.metrics }),
      }),
    };
  };

/** `figure: what was asked of it`, of each that did not hold. */
function brokenOf({ metrics }: Data): string[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).flatMap(([asked, { ok }]) => (ok ? [] : [`${name}: ${asked}`])),
  );
}

const linesOf = (found: object) =>
  Object.entries(found)
    .map(([name, value]) => `  ${name.padEnd(20)} ${value}\n`)
    .join('');

function pageOf(scenario: string, { metrics, state }: Data, broken: readonly string[]): string {
  const value = (name: string, key: string) => metrics[name]?.values[key];
  const seconds = (state.testRunDurationMs / 1_000).toFixed(1);
  const counts = COUNTS.map((name) => `  ${name.padEnd(20)} ${value(name, 'count') ?? 0}`);
  const rates = RATES.flatMap((name) => {
    const rate = value(name, 'rate');
    return rate === undefined ? [] : [`  ${name.padEnd(20)} ${(rate * 100).toFixed(2)} %`];
  });
  const times = TIMES.filter((name) => metrics[name]).map((name) => {
    const of = (key: string) => `${key} ${(value(name, key) ?? 0).toFixed(1)}`;
    return `  ${name.padEnd(20)} ${['p(50)', 'p(99)', 'p(99.9)', 'max'].map(of).join('  ')} ms`;
  });
  const verdict = broken.length === 0 ? 'every budget held' : `BROKEN: ${broken.join('; ')}`;
  const cpu = value('generator_cpu', 'max');
  const watched =
    cpu === undefined ? 'not measured (GENERATOR_URL)' : `${(cpu * 100).toFixed(0)} %`;
  return `\n${scenario}: ${verdict}\n\n  ${'seconds'.padEnd(20)} ${seconds}\n${[
    ...counts,
    ...rates,
    ...times,
    `  ${'generator_cpu max'.padEnd(20)} ${watched}`,
  ].join('\n')}\n`;
}
