import { describe, expect, it } from 'vitest';
import type { Answer, Found } from './health-code.ts';
import { EdgeMetrics, Metrics, REFUSALS } from './metrics.ts';

const SUBJECT = Buffer.alloc(16, 7).toString('base64url');
const found = (part: Partial<Found> = {}): Found => ({
  outcome: 'found',
  color: 1,
  photo: SUBJECT,
  version: 1,
  asOf: 1,
  ageMs: 0,
  stale: false,
  layer: 'memory',
  ...part,
});

/** The value of a line of the text, by its beginning. */
async function valueAt(metrics: Metrics, line: string): Promise<number> {
  const found = (await metrics.text()).split('\n').find((text) => text.startsWith(`${line} `));
  return found === undefined ? Number.NaN : Number(found.slice(line.length + 1));
}

describe('what an edge counts', () => {
  const cases: [Answer, Partial<Record<keyof EdgeMetrics, unknown>>][] = [
    [found(), { found: { memory: 1, redis: 0, source: 0 }, stale: 0 }],
    [found({ layer: 'redis' }), { found: { memory: 0, redis: 1, source: 0 } }],
    [found({ layer: 'source' }), { found: { memory: 0, redis: 0, source: 1 } }],
    [found({ stale: true }), { found: { memory: 1, redis: 0, source: 0 }, stale: 1 }],
    [{ outcome: 'absent', asOf: 1 }, { absent: 1 }],
    [{ outcome: 'shed' }, { shed: 1 }],
    [
      { outcome: 'unavailable', reason: 'deadline' },
      { deadline: 1, unavailable: 0 },
    ],
    [
      { outcome: 'unavailable', reason: 'source' },
      { deadline: 0, unavailable: 1 },
    ],
    [{ outcome: 'unavailable', reason: 'not-yet' }, { unavailable: 1 }],
  ];
  it.each(cases)('of %j is one thing, once', (answer, counted) => {
    const metrics = new EdgeMetrics();
    metrics.count(answer);
    expect(metrics).toMatchObject(counted);
    const { absent, shed, deadline, unavailable } = metrics;
    const all = Object.values(metrics.found).reduce((sum, count) => sum + count);
    expect(all + absent + shed + deadline + unavailable).toBe(1);
  });
});

describe("Prometheus' text", () => {
  it('has each count under its edge, and nothing of the other', async () => {
    const metrics = new Metrics();
    metrics.http.count(found());
    metrics.http.count(found({ stale: true }));
    metrics.grpc.count({ outcome: 'absent', asOf: 1 });
    metrics.http.refused['token-expired'] += 3;
    metrics.grpc.inFlight = 4;
    const lines: [string, number][] = [
      ['lookup_found_total{edge="http",layer="memory"}', 2],
      ['lookup_found_total{edge="grpc",layer="memory"}', 0],
      ['lookup_outcomes_total{edge="http",outcome="stale"}', 1],
      ['lookup_outcomes_total{edge="grpc",outcome="absent"}', 1],
      ['lookup_outcomes_total{edge="http",outcome="absent"}', 0],
      ['lookup_refused_total{edge="http",reason="token-expired"}', 3],
      ['lookup_in_flight{edge="grpc"}', 4],
    ];
    // Read twice: a scrape adds nothing.
    for (const [line, value] of [...lines, ...lines])
      expect([line, await valueAt(metrics, line)]).toEqual([line, value]);
  });

  it('has every reason to refuse, also those that have not been met', async () => {
    const text = await new Metrics().text();
    for (const reason of REFUSALS)
      expect(text).toContain(`lookup_refused_total{edge="http",reason="${reason}"} 0`);
  });

  it('has durations in seconds, in buckets that hold all that is shorter', async () => {
    const metrics = new Metrics();
    for (const ms of [0, 0.5, 1, 1.5, 250, 5_000]) metrics.http.observe(ms);
    const bucket = (le: string) => `lookup_duration_seconds_bucket{edge="http",le="${le}"}`;
    const counts = ['0.001', '0.002', '0.2', '0.3', '1', '+Inf'].map((le) =>
      valueAt(metrics, bucket(le)),
    );
    expect(await Promise.all(counts)).toEqual([3, 4, 4, 5, 5, 6]);
    expect(await valueAt(metrics, 'lookup_duration_seconds_count{edge="http"}')).toBe(6);
    expect(await valueAt(metrics, 'lookup_duration_seconds_sum{edge="http"}')).toBeCloseTo(
      5.253,
      6,
    );
    expect(await valueAt(metrics, 'lookup_duration_seconds_count{edge="grpc"}')).toBe(0);
    expect(await metrics.text()).toContain('# TYPE lookup_duration_seconds histogram');
  });

  it('has what others keep, as it is when it is read', async () => {
    const metrics = new Metrics();
    let kept = 1;
    const read = () => kept;
    metrics.add([
      { name: 'lookup_made_total', help: 'Made', kind: 'counter', read },
      { name: 'lookup_made', help: 'Made', kind: 'gauge', read },
    ]);
    expect([
      await valueAt(metrics, 'lookup_made_total'),
      await valueAt(metrics, 'lookup_made'),
    ]).toEqual([1, 1]);
    kept = 5;
    expect([
      await valueAt(metrics, 'lookup_made_total'),
      await valueAt(metrics, 'lookup_made'),
    ]).toEqual([5, 5]);
    expect(await metrics.text()).toMatch(/# TYPE lookup_made_total counter\n/);
  });

  it('names nobody, and every line has a meaning', async () => {
    const metrics = new Metrics();
    metrics.http.count(found());
    const text = await metrics.text();
    expect(text).not.toContain(SUBJECT);
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) expect(text).toMatch(new RegExp(`# HELP ${name} \\S.{5,}`));
    expect(metrics.contentType).toMatch(/^text\/plain/);
  });
});
