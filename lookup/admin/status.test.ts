// Against a real service: a metric that is renamed there is missed here.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keptOutput } from '../../test/output.ts';
import { freePort } from '../../test/postgres-server.ts';
import { idOf, openWorld, type Running, type World } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { Metrics } from './ops-client.ts';
import { CommandError } from './output.ts';
import { type Figures, figureLines, figuresOf } from './process-figures.ts';
import { type OpenSource, status } from './status.ts';

let world: World;
let running: Running;
let ops: string;
const openSource: OpenSource = (read) => read(world.writer.session);

beforeAll(async () => {
  world = await openWorld();
  await world.writer.area(1);
  await world.writer.people(1, 5, [1]);
  running = await world.start();
  await running.service.ready;
  ops = `http://127.0.0.1:${running.service.opsPort}`;
  for (const n of [1, 1, 1, 999]) await running.code(world.token(idOf(n)));
});

afterAll(() => world?.close());

interface Shown {
  ok: boolean;
  processes: Record<string, unknown>[];
  source: Record<string, unknown> | null;
  troubles: string[];
}

async function shown(addresses: string[], source = openSource): Promise<Shown> {
  const output = keptOutput({ asJson: true });
  await status({ ops: addresses, intervalMs: 1 }, source, output).catch((error) => {
    expect(error).toMatchObject({ name: 'CommandError', exitCode: 1 });
  });
  return output.value as unknown as Shown;
}

describe('lookup status', () => {
  test('shows a ready process and its source', async () => {
    const { ok, processes, source } = await shown([ops]);
    expect(ok).toBe(true);
    expect(processes).toEqual([
      {
        ops,
        ready: true,
        reason: null,
        answers: {
          feed_age_s: expect.any(Number),
          suspect: false,
          records: expect.any(Number),
          found_per_s: expect.any(Number),
          found: { memory: expect.any(Number), redis: 0, source: expect.any(Number) },
          outcomes: { stale: 0, absent: 1, unavailable: 0, deadline: 0, shed: 0, failed: 0 },
          source_queries_per_s: expect.any(Number),
          source_failures: 0,
          breaker: 'closed',
        },
        redis: null,
        relay: null,
      },
    ]);
    const found = (processes as unknown as Figures[])[0]?.answers?.found ?? {
      memory: 0,
      source: 0,
    };
    expect(found.memory + found.source).toBe(3);
    expect(found.source).toBeGreaterThan(0);
    expect(source).toMatchObject({
      pending: [],
      people: { count: 5, exact: true },
      areas: 1,
      outbox_rows: { count: 6, exact: true },
      history_token_age_s: expect.any(Number),
    });
  });

  test('says it in lines too', async () => {
    const output = keptOutput();
    await status({ ops: [ops], intervalMs: 1 }, openSource, output);
    const text = output.lines.join('\n');
    expect(output.lines[0]).toBe(`${ops}  ready`);
    expect(text).toMatch(/feed +\d+ ms behind, not suspect/);
    expect(text).toMatch(/; 3 since its start: memory \d+ %, redis 0 %, source \d+ %/);
    expect(text).toMatch(/breaker closed/);
    expect(text).toMatch(/people +5 in 1 areas/);
    expect(text).not.toContain('undefined');
  });

  test('shows an open breaker, and how far behind a process is that lost its source', async () => {
    const own = await world.start({
      config: { staleAfterMs: 100, feedPollMs: 10, sourceBreakerFailures: 1 },
    });
    await own.service.ready;
    const address = `http://127.0.0.1:${own.service.opsPort}`;
    for (const door of Object.values(own.doors)) door.set('refuses');
    await own.code(world.token(idOf(2)));
    await until(async () => (await own.metric('lookup_suspect')) === 1, { what: 'it is suspect' });
    const output = keptOutput();
    await status({ ops: [address], intervalMs: 1 }, openSource, output);
    const text = output.lines.join('\n');
    expect(text).toContain('SUSPECT: answers are marked stale');
    expect(text).toContain('breaker OPEN');
    await own.stop();
  });

  test('says who is not there and what to do, and shows the others', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const { ok, processes, troubles } = await shown([nobody, ops]);
    expect(ok).toBe(false);
    expect(processes).toMatchObject([{ ready: false }, { ready: true }]);
    expect(troubles).toEqual([
      expect.stringMatching(/no answer \(ECONNREFUSED\).*LOOKUP_OPS_PORT; name others with --ops/),
    ]);
  });

  test('takes nobody else for a process of ours', async () => {
    const phones = `http://127.0.0.1:${running.service.httpPort}`;
    const { troubles } = await shown([phones]);
    expect(troubles[0]).toContain('what answers there is no lookup process');
  });

  test('tells a source that cannot be reached from one that nobody named', async () => {
    const failing = (exitCode: 1 | 2): OpenSource => {
      return () => Promise.reject(new CommandError('the reason', exitCode));
    };
    expect(await shown([ops], failing(1))).toMatchObject({ ok: false, troubles: ['the reason'] });
    expect(await shown([ops], failing(2))).toMatchObject({ ok: true, source: null });
  });
});

test('with Redis, its masters and the relay have a line each', () => {
  const metrics = new Metrics(
    'lookup_redis_masters 3\nlookup_redis_masters_connected 2\nlookup_redis_breakers_open 1\n' +
      'lookup_feed_from_outbox 1\nlookup_relay_leads 1\nlookup_relay_term 7\nlookup_relay_nodes_behind 1\n',
  );
  const figures = figuresOf(metrics, { notReady: undefined, metrics }, 1);
  expect(figures.answers).toBeNull();
  expect(figureLines(figures)).toEqual([
    'ready',
    '  redis          2 of 3 masters connected, 1 breakers open, OUTBOX FOLLOWED in place of the feed',
    '  relay          leads, 1 nodes behind; term 7',
  ]);
  const standby = new Metrics('lookup_relay_leads 0\nlookup_relay_term 7\n');
  const lines = figureLines(figuresOf(standby, { notReady: 'why', metrics: standby }, 1));
  expect(lines).toEqual(['NOT READY: why', '  relay          stands by; term 7']);
});

test('metrics are found whatever the order of their labels', () => {
  const metrics = new Metrics(
    '# HELP a b\na_total{edge="http",layer="memory"} 3\na_total{layer="memory",edge="grpc"} 4\nb 0.5\n',
  );
  expect(metrics.sum('a_total', 'layer', 'memory')).toBe(7);
  expect([metrics.get('b'), metrics.get('c')]).toEqual([0.5, undefined]);
});
