import { expect, test } from 'vitest';
import { startOwnRedis } from './own-redis.ts';
import { until } from './wait.ts';

test('a cluster of its own starts, keeps what is written, and fails over', async () => {
  const cluster = await startOwnRedis({ replicas: 3 });
  const slot = 12_182; // of "foo"
  const master = await cluster.masterOf(slot);
  await master.call('SET', 'foo', 'bar');
  expect(await master.call('WAIT', 1, 2_000)).toBe(1);
  await master.kill9();
  const successor = await until(
    async () => {
      const now = await cluster.masterOf(slot);
      return now === master ? undefined : now;
    },
    { what: 'a replica takes over', timeoutMs: 15_000, everyMs: 50 },
  );
  expect(String(await successor.call('GET', 'foo'))).toBe('bar');
  await cluster.discard();
}, 40_000);
