import { grouped, shareOf } from './confirm.ts';
import type { Metrics, ProcessState } from './ops-client.ts';

const LAYERS = ['memory', 'redis', 'source'] as const;
const OUTCOMES = ['stale', 'absent', 'unavailable', 'deadline', 'shed', 'failed'] as const;

export type Figures = ReturnType<typeof figuresOf>;

/** Rates over `seconds`; all other counts since the process started. Null: what this process does not do. */
export function figuresOf(
  before: Metrics,
  { notReady, metrics: now }: ProcessState,
  seconds: number,
) {
  return {
    ready: notReady === undefined,
    reason: notReady ?? null,
    answers: answersOf(before, now, seconds),
    redis: redisOf(now),
    relay: relayOf(now),
  };
}

function answersOf(before: Metrics, now: Metrics, seconds: number) {
  const ageS = now.get('lookup_feed_age_seconds');
  if (ageS === undefined) return null;
  const perS = (read: (metrics: Metrics) => number | undefined) =>
    Math.max(0, ((read(now) ?? 0) - (read(before) ?? 0)) / seconds);
  const found = (metrics: Metrics) =>
    LAYERS.reduce((sum, layer) => sum + metrics.sum('lookup_found_total', 'layer', layer), 0);
  return {
    feed_age_s: ageS,
    suspect: now.get('lookup_suspect') === 1,
    records: now.get('lookup_memory_records') ?? null,
    found_per_s: perS(found),
    found: byName(LAYERS, (layer) => now.sum('lookup_found_total', 'layer', layer)),
    outcomes: byName(OUTCOMES, (outcome) => now.sum('lookup_outcomes_total', 'outcome', outcome)),
    source_queries_per_s: perS((metrics) => metrics.get('lookup_source_queries_total')),
    source_budget_per_s: now.get('lookup_source_queries_per_s_max') ?? null,
    source_failures: now.get('lookup_source_failures_total') ?? null,
    breaker: now.get('lookup_source_breaker_open') === 1 ? 'open' : 'closed',
  };
}

function redisOf(now: Metrics) {
  const masters = now.get('lookup_redis_masters');
  if (masters === undefined) return null;
  return {
    masters,
    connected: now.get('lookup_redis_masters_connected') ?? null,
    breakers_open: now.get('lookup_redis_breakers_open') ?? null,
    reads: now.get('lookup_redis_reads_total') ?? 0,
    hits: now.get('lookup_redis_hits_total') ?? 0,
    feed_from_outbox: now.get('lookup_feed_from_outbox') === 1,
  };
}

function relayOf(now: Metrics) {
  const leads = now.get('lookup_relay_leads');
  if (leads === undefined) return null;
  return {
    leads: leads === 1,
    term: now.get('lookup_relay_term') ?? null,
    nodes_behind: now.get('lookup_relay_nodes_behind') ?? null,
  };
}

const byName = <N extends string>(names: readonly N[], read: (name: N) => number) =>
  Object.fromEntries(names.map((name) => [name, read(name)])) as Record<N, number>;

export const row = (name: string, text: string) => `  ${name.padEnd(15)}${text}`;
export const time = (s: number) => (s < 1 ? `${Math.round(s * 1_000)} ms` : `${s.toFixed(1)} s`);
const rate = (perS: number) => `${grouped(Math.round(perS))}/s`;

/** @param position of the feed, as the process says on the list; undefined: it is not there */
export function figureLines(
  { ready, reason, answers, redis, relay }: Figures,
  position?: string,
): string[] {
  return [
    ready ? 'ready' : `NOT READY: ${reason}`,
    ...(answers ? answerLines(answers, position) : []),
    ...(redis ? [redisLine(redis)] : []),
    ...(relay ? [relayLine(relay)] : []),
  ];
}

function answerLines(
  answers: NonNullable<Figures['answers']>,
  position: string | undefined,
): string[] {
  const total = LAYERS.reduce((sum, layer) => sum + answers.found[layer], 0);
  const layers = LAYERS.map((layer) => `${layer} ${shareOf(answers.found[layer], total)}`);
  const others = OUTCOMES.map((outcome) => `${outcome} ${grouped(answers.outcomes[outcome])}`);
  const suspect = answers.suspect ? 'SUSPECT: answers are marked stale' : 'not suspect';
  return [
    row(
      'feed',
      `${position ? `at ${position}, ` : ''}${time(answers.feed_age_s)} behind, ${suspect}`,
    ),
    row(
      'found',
      `${rate(answers.found_per_s)}; ${grouped(total)} since its start: ${layers.join(', ')}`,
    ),
    row('besides', others.join(', ')),
    row('memory', `${grouped(answers.records ?? 0)} people held`),
    row(
      'source',
      `${rate(answers.source_queries_per_s)} queries${budgetText(answers)}, ` +
        `${grouped(answers.source_failures ?? 0)} failed since its start, ` +
        `breaker ${answers.breaker === 'open' ? 'OPEN' : 'closed'}`,
    ),
  ];
}

function budgetText(answers: NonNullable<Figures['answers']>): string {
  const { source_queries_per_s: used, source_budget_per_s: budget } = answers;
  return budget === null ? '' : ` (${shareOf(used, budget)} of its budget of ${rate(budget)})`;
}

function redisLine(redis: NonNullable<Figures['redis']>): string {
  const from = redis.feed_from_outbox ? ', OUTBOX FOLLOWED in place of the feed' : '';
  return row(
    'redis',
    `${redis.connected ?? 0} of ${redis.masters} masters connected, ${redis.breakers_open ?? 0} breakers open, ` +
      `${shareOf(redis.hits, redis.reads)} of ${grouped(redis.reads)} reads hit${from}`,
  );
}

function relayLine({ leads, term, nodes_behind }: NonNullable<Figures['relay']>): string {
  const last = term ? `; last led term ${term}` : '';
  const what = leads
    ? `leads term ${term ?? 'not known'}, ${nodes_behind ?? 0} masters behind`
    : `stands by${last}`;
  return row('relay', what);
}
