// Every counter with its meaning in one line. On the path they are plain numbers; Prometheus' text is made at scrape.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Answer, LayerName } from './health-code.ts';

export type Edge = 'http' | 'grpc';

/** Why a question was not accepted. A closed union: a label value is never taken from a caller. */
export const REFUSALS = [
  'token-missing',
  'token-malformed',
  'token-invalid',
  'token-expired',
  'token-not-yet',
  'token-wrong-door',
  'message-malformed',
  'subject-malformed',
  'question-empty',
  'too-many-questions',
  'mark-refused',
  'address-invalid',
  'address-expired',
  'no-such-path',
  'method',
  'body',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Upper bounds in milliseconds; the last bucket is open. */
const BUCKETS_MS = [1, 2, 5, 10, 20, 50, 100, 150, 200, 300, 500, 1_000];

/** What one edge answered. */
export class EdgeMetrics {
  /** Found, by the layer that answered. */
  readonly found: Record<LayerName, number> = { memory: 0, redis: 0, source: 0 };
  /** Found, but older than the freshness bound: marked. Contained in `found`. */
  stale = 0;
  /** No such person. */
  absent = 0;
  /** Nothing to stand on. */
  unavailable = 0;
  /** The deadline passed. */
  deadline = 0;
  /** Too busy: refused at the door. */
  shed = 0;
  /** Too many requests by one person. */
  rateLimited = 0;
  /** Refused for the question's own fault. */
  readonly refused = Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Record<
    Refusal,
    number
  >;
  /** A handler threw: answered 500 or INTERNAL, and logged. */
  failures = 0;
  /** The caller went away before its answer. */
  aborted = 0;
  /** Waiting for an answer just now. */
  inFlight = 0;
  readonly durations = new Float64Array(BUCKETS_MS.length + 1);
  durationSumMs = 0;

  /** The one exit: says what happened, once an answer. */
  count(answer: Answer): void {
    switch (answer.outcome) {
      case 'found':
        this.found[answer.layer] += 1;
        if (answer.stale) this.stale += 1;
        break;
      case 'absent':
        this.absent += 1;
        break;
      case 'shed':
        this.shed += 1;
        break;
      default:
        if (answer.reason === 'deadline') this.deadline += 1;
        else this.unavailable += 1;
    }
  }

  /** Time from question to answer; what memory answers in the same tick is counted as 0. */
  observe(ms: number): void {
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && ms > (BUCKETS_MS[bucket] as number)) bucket++;
    this.durations[bucket] = (this.durations[bucket] as number) + 1;
    this.durationSumMs += ms;
  }
}

/** A number that somebody else keeps, read at scrape. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  read(): number;
}

export const reading = (
  name: string,
  help: string,
  kind: Reading['kind'],
  read: () => number,
): Reading => ({ name, help, kind, read });

export class Metrics {
  readonly http = new EdgeMetrics();
  readonly grpc = new EdgeMetrics();
  readonly #registry = new Registry();

  constructor() {
    const registers = [this.#registry];
    const edges = Object.entries({ http: this.http, grpc: this.grpc });
    const perEdge = (
      name: string,
      help: string,
      label: string,
      values: (edge: EdgeMetrics) => [string, number][],
    ) =>
      new Counter({
        name,
        help,
        labelNames: ['edge', label],
        registers,
        collect() {
          this.reset();
          for (const [edge, metrics] of edges) {
            for (const [value, count] of values(metrics)) this.inc({ edge, [label]: value }, count);
          }
        },
      });
    perEdge('lookup_found_total', 'Answers with a color, by the layer that had it', 'layer', (m) =>
      Object.entries(m.found),
    );
    perEdge('lookup_outcomes_total', 'What callers were told', 'outcome', (m) => [
      ['stale', m.stale],
      ['absent', m.absent],
      ['unavailable', m.unavailable],
      ['deadline', m.deadline],
      ['shed', m.shed],
      ['rate-limited', m.rateLimited],
      ['failed', m.failures],
      ['aborted', m.aborted],
    ]);
    perEdge('lookup_refused_total', "Refused for the question's own fault", 'reason', (m) =>
      Object.entries(m.refused),
    );
    new Gauge({
      name: 'lookup_in_flight',
      help: 'Questions that wait for an answer',
      labelNames: ['edge'],
      registers,
      collect() {
        for (const [edge, metrics] of edges) this.set({ edge }, metrics.inFlight);
      },
    });
    this.#durations(edges);
  }

  /** prom-client's own histogram would cost a microsecond a request; this one is filled in the text alone. */
  #durations(edges: [string, EdgeMetrics][]): void {
    const histogram = new Histogram<'edge' | 'le'>({
      name: 'lookup_duration_seconds',
      help: 'From question to answer, in this process',
      labelNames: ['edge'],
      buckets: BUCKETS_MS.map((ms) => ms / 1_000),
      registers: [this.#registry],
    });
    const get = async () => ({
      name: 'lookup_duration_seconds',
      help: 'From question to answer, in this process',
      type: 'histogram',
      aggregator: 'sum',
      values: edges.flatMap(([edge, metrics]) => histogramValues(edge, metrics)),
    });
    // The text is made of the one that no type tells of.
    Object.assign(histogram, { get, getForPromString: get });
  }

  add(readings: readonly Reading[]): void {
    for (const { name, help, kind, read } of readings) {
      const registers = [this.#registry];
      if (kind === 'gauge') {
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      } else {
        new Counter({
          name,
          help,
          registers,
          collect() {
            this.reset();
            this.inc(read());
          },
        });
      }
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function histogramValues(edge: string, metrics: EdgeMetrics) {
  const name = 'lookup_duration_seconds';
  let total = 0;
  const values: { metricName: string; labels: Record<string, string | number>; value: number }[] =
    [];
  metrics.durations.forEach((count, i) => {
    total += count;
    const bound = BUCKETS_MS[i];
    const le = bound === undefined ? '+Inf' : bound / 1_000;
    values.push({ metricName: `${name}_bucket`, labels: { edge, le }, value: total });
  });
  values.push({
    metricName: `${name}_sum`,
    labels: { edge },
    value: metrics.durationSumMs / 1_000,
  });
  values.push({ metricName: `${name}_count`, labels: { edge }, value: total });
  return values;
}
