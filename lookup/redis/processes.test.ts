// The list of processes, on a real Redis.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisCluster as OwnCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { RedisRecords } from '../../test/redis-records.ts';
import { until } from '../../test/wait.ts';
import { sweepKeyspaces } from '../feed/sweep.ts';
import { noLog } from '../log.ts';
import { RedisCluster } from './cluster.ts';
import { listProcesses, type Registration, registerProcess } from './processes.ts';
import { PROCESSES_KEY } from './scripts.ts';
import { slotOf } from './slots.ts';

const ABOUT: Registration = { role: 'lookup', ops: '127.0.0.1:1', resolved: 5, position: '1-1' };

let redis: OwnCluster;
let nodes: RedisCluster;

beforeAll(async () => {
  redis = await startRedisCluster();
  const options = { url: redis.url, caFile: undefined };
  nodes = new RedisCluster({ ...options, connectTimeoutMs: 1_000, socketTimeoutMs: 1_000 }, noLog);
  await new RedisRecords(nodes).reached();
});

afterAll(async () => {
  await nodes?.close();
  await redis?.discard();
});

const say = (name: string, about: Registration | undefined, livesMs = 60_000) =>
  registerProcess(nodes, name, about, { livesMs, timeoutMs: 1_000 });
const names = async () => (await listProcesses(nodes, 1_000)).map(({ name }) => name);

test('who has said so is listed by name, until they say that they leave, or fall silent', async () => {
  await say('b:1', ABOUT);
  await say('a:1', { ...ABOUT, resolved: -Infinity });
  await say('c:1', ABOUT, 200);
  expect(await listProcesses(nodes, 1_000)).toEqual([
    { ...ABOUT, name: 'a:1', resolved: -Infinity },
    { ...ABOUT, name: 'b:1' },
    { ...ABOUT, name: 'c:1' },
  ]);
  await say('a:1', undefined);
  await until(async () => (await names()).join() === 'b:1', { what: 'c has fallen silent' });
});

test('an entry of another version is passed over', async () => {
  const node = nodes.nodeOf(slotOf(PROCESSES_KEY));
  for (const [name, text] of Object.entries({ x: '9999999999999 {', y: '9999999999999 {}', z: '' }))
    await node?.command(['HSET', PROCESSES_KEY, name, text], 1_000);
  expect(await names()).toEqual(['b:1']);
});

test('it outlives the sweep of records in keyspaces that are no longer used', async () => {
  const { signal } = new AbortController();
  for (const node of nodes.masters) {
    await node.command(['HSET', node.markKey, 'keyspace', 'a1'], 1_000);
    await sweepKeyspaces(node, signal);
  }
  expect(await names()).toEqual(['b:1']);
});
