// --wait on a real PostgreSQL, a real Redis Cluster, a relay and two processes.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { keptOutput } from '../../test/output.ts';
import { freePort } from '../../test/postgres-server.ts';
import { type RedisCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { RedisRecords } from '../../test/redis-records.ts';
import { openRedisWorld, type RedisWorld, type RunningRelay } from '../../test/redis-world.ts';
import { idOf, type Running, type Writer } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import type { ColorName } from '../health-code.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import { listProcesses, type Registration, registerProcess } from '../redis/processes.ts';
import { setArea } from './set-area.ts';
import { setColor } from './set-color.ts';
import { type WaitOptions, waitFor } from './wait.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let redis: RedisCluster;
let world: RedisWorld;
let writer: Writer;
let nodes: RedisNodes;
let relay: RunningRelay;
let processes: Running[];

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
  world = await openRedisWorld(database.url, redis);
  writer = await world.connect();
  nodes = world.connectRedis();
  await new RedisRecords(nodes).reached();
  relay = world.relay();
  await writer.area(1);
  await writer.people(1, 10, [1]);
  processes = [await world.start(), await world.start()];
  await Promise.all(processes.map(({ service }) => service.ready));
  await until(async () => (await list()).length === 2, { what: 'both are registered' });
}, 60_000);

afterAll(async () => {
  await world?.close();
  await redis?.discard();
  await database?.drop();
});

const list = () => listProcesses(nodes, 1_000);
const waiting = (options: Partial<WaitOptions> = {}) =>
  waitFor({ list, ops: [], withinMs: 5_000, ...options });

const ghost = (livesMs: number, about: Partial<Registration> = {}) =>
  registerProcess(
    nodes,
    'ghost:1',
    { role: 'lookup', ops: '127.0.0.1:1', resolved: Date.now() - 60_000, ...about },
    { livesMs, timeoutMs: 500 },
  );

async function colored(n: number, color: ColorName, options: Partial<WaitOptions> = {}) {
  const output = keptOutput({ asJson: true });
  const setting = setColor(
    writer.session,
    { subject: idOf(n), color, wait: await waiting(options) },
    output,
  );
  const error = await setting.then(
    () => undefined,
    (thrown: { exitCode: number; message: string }) => thrown,
  );
  const { changed, waited } = output.value as {
    changed: boolean;
    waited: { ms: number; processes: number; missing: { name: string; behind_ms: number }[] };
  };
  return { error, changed, ...waited };
}

test('when it returns, every process shows it, whether it held the person or not', async () => {
  for (const [i, color] of (['red', 'yellow', 'green', 'red'] as const).entries()) {
    const { error, processes: count, missing, ms } = await colored(1, color);
    const seen = await Promise.all(
      processes.map(({ gate }) => gate.lookup({ subject: idOf(1) }).then((one) => one.answer)),
    );
    expect(seen.map((answer) => answer?.color)).toEqual(
      Array(2).fill({ green: 1, yellow: 2, red: 3 }[color]),
    );
    expect({ error, count, missing }).toEqual({ error: undefined, count: 2, missing: [] });
    // By what they say once a second alone it would be told later.
    if (i > 0) expect(ms).toBeLessThan(900);
  }
});

test('an area shows too, and how long it took is a line', async () => {
  const output = keptOutput();
  const wait = await waiting();
  await setArea(
    writer.session,
    { area: 1, color: 'yellow', yes: true, dryRun: false, wait },
    output,
  );
  for (const { gate } of processes)
    expect((await gate.lookup({ subject: idOf(2) })).answer?.color).toBe(2);
  expect(output.lines.at(-1)).toMatch(/^shows in 2 processes after \d+ ms$/);
});

test('a process that does not follow is named, with how far it is behind', async () => {
  await ghost(60_000);
  const {
    error,
    changed,
    processes: count,
    missing,
  } = await colored(3, 'red', { withinMs: 1_000 });
  expect({ changed, count }).toEqual({ changed: true, count: 2 });
  expect(missing).toEqual([{ name: 'ghost:1', behind_ms: expect.any(Number) }]);
  expect(error).toMatchObject({
    exitCode: 4,
    message: expect.stringMatching(
      /^committed, but after 1\.\d s .*it does in 2 processes, not yet in ghost:1 \(6\d\.\d s behind\)$/,
    ),
  });
});

test('one that goes away, and one that answers nobody, are not waited for', async () => {
  await ghost(700);
  const { error, missing, ms } = await colored(4, 'red');
  expect({ error, missing }).toEqual({ error: undefined, missing: [] });
  expect(ms).toBeGreaterThan(300);
  await ghost(60_000, { role: 'relay' });
  expect((await colored(5, 'red')).error).toBeUndefined();
  await ghost(1);
});

test('a list that is lost meanwhile lets nobody off', async () => {
  let lists = 0;
  const lost = async () => (lists++ === 0 ? list() : []);
  const { processes: count } = await colored(9, 'red', { list: lost });
  expect(count).toBe(2);
});

test('a process that is named by its ops port is waited for, and must be there', async () => {
  const ops = processes.map(({ service }) => `http://127.0.0.1:${service.opsPort}`);
  const unlisted = { list: async () => [], ops };
  expect(await colored(6, 'red', unlisted)).toMatchObject({ error: undefined, processes: 2 });
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const late = await colored(6, 'green', { ...unlisted, ops: [nobody], withinMs: 300 });
  expect(late.error?.message).toContain(`${nobody} (does not say how far it is)`);
});

test('nobody to wait for is said, and a list that cannot be read ends it before the change', async () => {
  const output = keptOutput();
  const wait = await waiting({ list: async () => [] });
  await setColor(writer.session, { subject: idOf(7), color: 'red', wait }, output);
  expect(output.lines.at(-1)).toBe('no process is registered: nobody was waited for');
  const broken = waiting({ list: () => Promise.reject(new Error('no node holds the list')) });
  await expect(broken).rejects.toThrow('no node holds the list');
});

test('without a relay none of them gets there, and all are named', async () => {
  await relay.stop();
  const { error, missing } = await colored(8, 'red', { withinMs: 500 });
  expect(error?.exitCode).toBe(4);
  expect(missing).toHaveLength(2);
});
