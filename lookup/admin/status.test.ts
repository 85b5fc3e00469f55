// Against a real service: a metric that is renamed there is missed here.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { keptOutput } from '../../test/output.ts';
import { freePort } from '../../test/postgres-server.ts';
import { type RedisCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { RedisRecords } from '../../test/redis-records.ts';
import { openRedisWorld, type RedisWorld, type RunningRelay } from '../../test/redis-world.ts';
import { idOf, openWorld, type Running, type World, type Writer } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { startOps } from '../edge/ops.ts';
import { keepRegistered } from '../life/register.ts';
import { Metrics as ProcessMetrics } from '../metrics.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { listProcesses, registerProcess } from '../redis/processes.ts';
import { PROCESSES_KEY } from '../redis/scripts.ts';
import { slotOf } from '../redis/slots.ts';
import { Metrics } from './ops-client.ts';
import { CommandError } from './output.ts';
import { type Figures, figureLines, figuresOf } from './process-figures.ts';
import type { RedisReport } from './redis-says.ts';
import type { OpenSource } from './source-says.ts';
import { type StatusOptions, status } from './status.ts';

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
  redis: ReturnType<RedisReport['value']> | null;
  troubles: string[];
}

const asked = (ops: string[] | undefined, more: Partial<StatusOptions> = {}): StatusOptions => ({
  ops,
  ownOps: () => 'http://127.0.0.1:1',
  intervalMs: 1,
  redis: { nodes: undefined, trouble: undefined },
  ...more,
});

async function shown(
  addresses: string[] | undefined,
  source = openSource,
  more: Partial<StatusOptions> = {},
): Promise<Shown> {
  const output = keptOutput({ asJson: true });
  await status(asked(addresses, more), source, output).catch((error) => {
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
        name: null,
        role: null,
        position: null,
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
          source_budget_per_s: 500,
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
      epoch: expect.stringMatching(/-1$/),
      relay_lease: null,
    });
  });

  test('says it in lines too', async () => {
    const output = keptOutput();
    await status(asked([ops]), openSource, output);
    const text = output.lines.join('\n');
    expect(output.lines[0]).toBe(`${ops}  ready`);
    expect(text).toMatch(/feed +\d+ ms behind, not suspect/);
    expect(text).toMatch(/; 3 since its start: memory \d+ %, redis 0 %, source \d+ %/);
    expect(text).toMatch(/queries \([\d.]+ % of its budget of 500\/s\), 0 failed.*breaker closed/);
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
    await status(asked([address]), openSource, output);
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

describe('with Redis', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let redis: RedisCluster;
  let system: RedisWorld;
  let writer: Writer;
  let nodes: RedisNodes;
  let leader: RunningRelay;
  const relays: RunningRelay[] = [];
  const leaving: (() => Promise<void>)[] = [];
  const source: OpenSource = (read) => read(writer.session);

  /** As `lookup serve --role relay` does. */
  async function register({ service }: RunningRelay, name: string): Promise<void> {
    const metrics = new ProcessMetrics();
    metrics.add([...service.readings]);
    const served = await startOps(
      { notReady: () => service.notReady(), metrics },
      { opsHost: '127.0.0.1', opsPort: 0 },
    );
    const about = () => ({
      role: 'relay' as const,
      ops: `127.0.0.1:${served.port}`,
      resolved: service.relay.resolved,
    });
    const leave = keepRegistered(nodes, name, about);
    leaving.push(leave, () => served.close());
  }

  beforeAll(async () => {
    [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
    system = await openRedisWorld(database.url, redis);
    writer = await system.connect();
    nodes = system.connectRedis();
    const records = new RedisRecords(nodes);
    await records.reached();
    await writer.area(1);
    leader = system.relay();
    await until(() => leader.service.relay.leads, { what: 'it leads' });
    await writer.people(1, 50, [1]);
    await until(() => records.get(50), { what: 'they lie in Redis' });
    relays.push(leader, system.relay());
    for (const [i, relay] of relays.entries())
      await register(relay, ['one:1', 'two:1'][i] as string);
    const answering = await system.start();
    await answering.service.ready;
    for (let n = 1; n <= 20; n++) await answering.gate.lookup({ subject: idOf(n) });
    await until(async () => (await listProcesses(nodes, 1_000)).length === 3, {
      what: 'all are registered',
    });
  }, 60_000);

  afterAll(async () => {
    for (const leave of leaving) await leave();
    await system?.close();
    await redis?.discard();
    await database?.drop();
  });

  const look = () => shown(undefined, source, { redis: { nodes, trouble: undefined } });

  test('shows leader and standby, the feed, each master and each process, found by themselves', async () => {
    const { ok, troubles, redis: value, processes, source: state } = await look();
    expect({ ok, troubles }).toEqual({ ok: true, troubles: [] });
    const { epoch } = state as { epoch: string };
    expect(value?.relays).toEqual([
      { name: 'one:1', leads: true, term: expect.any(Number), nodes_behind: 0 },
      { name: 'two:1', leads: false, term: expect.any(Number), nodes_behind: 0 },
    ]);
    const term = value?.relays[0]?.term;
    expect(state).toMatchObject({ relay_lease: { term, held_for_s: expect.any(Number) } });
    expect(value?.feed).toEqual({
      position: expect.stringMatching(/^\d+-\d+$/),
      lag_s: expect.any(Number),
      term,
      epoch,
      batches: expect.any(Number),
    });
    expect(value?.feed?.lag_s).toBeLessThan(2);
    expect(value?.masters.map(({ slots }) => slots).sort()).toEqual([5_461, 5_461, 5_462]);
    for (const { connected, mark } of value?.masters ?? [])
      expect({ connected, mark }).toEqual({
        connected: true,
        mark: { age_s: expect.any(Number), keyspace: expect.any(String), epoch, term },
      });
    const [, , answering] = [...processes].sort((a) => (a.role === 'lookup' ? 1 : -1));
    expect(answering).toMatchObject({
      role: 'lookup',
      position: expect.stringMatching(/^\d+-\d+$/),
      redis: { masters: 3, connected: 3, breakers_open: 0, reads: 20, hits: 20 },
      answers: { found: { redis: 20 }, suspect: false },
    });
  });

  test('says it in lines too', async () => {
    const output = keptOutput();
    await status(asked(undefined, { redis: { nodes, trouble: undefined } }), source, output);
    const text = output.lines.join('\n');
    expect(output.lines[0]).toMatch(/^relays {2}one:1 \(term \d+\) leads; two:1 stands by$/);
    expect(output.lines[1]).toMatch(
      /^feed {4}at \d+-\d+, \d+ ms behind the source, term \d+, .* batches kept, epoch \S+-1$/,
    );
    expect(text).toMatch(
      /127\.0\.0\.1:\d+ {2}5,461 slots, connected, mark \d+ ms old, keyspace \w+, term \d+\n/,
    );
    expect(text).toMatch(/\(lookup\) {2}ready\n {2}feed +at \d+-\d+, \d+ ms behind, not suspect/);
    expect(text).toMatch(/100 % of 20 reads hit/);
    expect(text).toMatch(/relay lease +term \d+, held for/);
    expect(text).not.toContain('undefined');
  });

  test('tells a node of another epoch, an entry of somebody who is gone, and that nobody leads', async () => {
    const [node] = nodes.masters as [RedisNode];
    await registerProcess(
      nodes,
      'ghost:1',
      { role: 'lookup', ops: `127.0.0.1:${await freePort()}`, resolved: 0 },
      { livesMs: 60_000, timeoutMs: 1_000 },
    );
    await Promise.all(relays.map((relay) => relay.stop()));
    const [epoch] = (await node.command(['HMGET', node.markKey, 'epoch'], 1_000)) as [Buffer];
    await node.command(['HSET', node.markKey, 'epoch', 'other'], 1_000);
    await until(async () => (await look()).troubles.some((one) => /feed is .* behind/.test(one)), {
      what: 'the feed is too old',
    });
    const { ok, troubles } = await look();
    expect(ok).toBe(false);
    expect(troubles).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^the mark of Redis at \S+ is of epoch other, the source of \S+-1$/),
        expect.stringMatching(/^the mark of Redis at \S+ is \d\.\d s behind$/),
        'no relay that can be asked leads',
        expect.stringMatching(/no answer \(ECONNREFUSED\)/),
      ]),
    );
    await node.command(['HSET', node.markKey, 'epoch', epoch], 1_000);
  });

  test('tells a master that is gone, and a Redis that cannot be reached at all', async () => {
    const own = nodes.nodeOf(slotOf(PROCESSES_KEY));
    const victim = redis.nodes.find(({ name }) => name !== own?.name);
    await victim?.kill9();
    const { troubles, redis: value } = await look();
    expect(troubles).toContainEqual(expect.stringContaining(`Redis at ${victim?.name}: `));
    expect(value?.masters.find(({ name }) => name === victim?.name)?.mark).toBeNull();
    const trouble = 'Redis at a:1 (LOOKUP_REDIS_URL) cannot be reached: no';
    const away = await shown(undefined, source, { redis: { nodes: undefined, trouble } });
    expect(away).toMatchObject({
      ok: false,
      redis: null,
      processes: [{ ops: 'http://127.0.0.1:1' }],
    });
    expect(away.troubles[0]).toBe(trouble);
  });
});

test('with Redis, its masters and the relay have a line each', () => {
  const metrics = new Metrics(
    'lookup_redis_masters 3\nlookup_redis_masters_connected 2\nlookup_redis_breakers_open 1\n' +
      'lookup_redis_reads_total 2000\nlookup_redis_hits_total 1990\n' +
      'lookup_feed_from_outbox 1\nlookup_relay_leads 1\nlookup_relay_term 7\nlookup_relay_nodes_behind 1\n',
  );
  const figures = figuresOf(metrics, { notReady: undefined, metrics }, 1);
  expect(figures.answers).toBeNull();
  expect(figureLines(figures)).toEqual([
    'ready',
    '  redis          2 of 3 masters connected, 1 breakers open, 100 % of 2,000 reads hit, ' +
      'OUTBOX FOLLOWED in place of the feed',
    '  relay          leads term 7, 1 masters behind',
  ]);
  const standby = new Metrics('lookup_relay_leads 0\nlookup_relay_term 7\n');
  const lines = figureLines(figuresOf(standby, { notReady: 'why', metrics: standby }, 1));
  expect(lines).toEqual(['NOT READY: why', '  relay          stands by; last led term 7']);
});

test('metrics are found whatever the order of their labels', () => {
  const metrics = new Metrics(
    '# HELP a b\na_total{edge="http",layer="memory"} 3\na_total{layer="memory",edge="grpc"} 4\nb 0.5\n',
  );
  expect(metrics.sum('a_total', 'layer', 'memory')).toBe(7);
  expect([metrics.get('b'), metrics.get('c')]).toEqual([0.5, undefined]);
});
