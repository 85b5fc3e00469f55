import { existsSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { lastingPorts } from './ports.ts';
import { type RedisCluster, type RedisNode, startRedisCluster } from './redis-cluster.ts';
import { mapText, ownerOf, readNodes, shareSlots } from './redis-map.ts';
import { runs } from './runs.ts';
import { until } from './wait.ts';

const begun: RedisCluster[] = [];
afterAll(() => Promise.all(begun.map((cluster) => cluster.discard())));

async function start(options?: Parameters<typeof startRedisCluster>[0]): Promise<RedisCluster> {
  const cluster = await startRedisCluster(options);
  begun.push(cluster);
  return cluster;
}

const write = async (cluster: RedisCluster, key: string) =>
  (await cluster.masterOf(key)).ask('SET', key, `of ${key}`);
const read = async (cluster: RedisCluster, key: string) =>
  (await cluster.masterOf(key)).ask('GET', key);
/** Keys of each of three shares. */
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

test('it is there at once, serves every slot, forgets when told and leaves nothing', async () => {
  const cluster = await start();
  expect(cluster.nodes).toHaveLength(3);
  expect(await cluster.masters()).toEqual(cluster.nodes);
  expect(cluster.url).toBe(`redis://${cluster.urls.join(',')}`);
  for (const key of KEYS) expect(await write(cluster, key)).toBe('OK');
  for (const key of KEYS) expect(await read(cluster, key)).toBe(`of ${key}`);
  const owners = await Promise.all(KEYS.map((key) => cluster.masterOf(key)));
  expect(new Set(owners).size).toBe(3);
  expect(await cluster.masterOf(0)).toBe(cluster.nodes[0]);
  expect(await cluster.masterOf(16_383)).toBe(cluster.nodes[2]);
  for (const node of cluster.nodes) {
    expect(await node.ask('CONFIG', 'GET', 'hash-max-listpack-value')).toContain('128');
    expect(await node.ask('CONFIG', 'GET', 'cluster-require-full-coverage')).toContain('no');
  }

  await cluster.flushAll();
  for (const key of KEYS) expect(await read(cluster, key)).toBeNull();

  const pids = cluster.nodes.map(({ pid }) => pid);
  const dir = (await cluster.nodes[0]?.ask('CONFIG', 'GET', 'dir')) as string[];
  expect([pids.every(runs), existsSync(dir[1] ?? '')]).toEqual([true, true]);
  await cluster.discard();
  expect([pids.some(runs), existsSync(dir[1] ?? '')]).toEqual([false, false]);
});

test('it has a password and settings', async () => {
  const settings = { 'cluster-require-full-coverage': 'yes', maxmemory: '64mb' };
  let told = '';
  const onOutput = (index: number, text: string) => {
    told += `${index}: ${text}`;
  };
  const ports = await lastingPorts(1, 10_000);
  const cluster = await start({ masters: 1, password: 'se:cret', settings, ports, onOutput });
  expect(cluster.nodes.map(({ port }) => port)).toEqual(ports);
  expect(told).toMatch(/^0: .*Ready to accept connections/ms);
  expect(cluster.nodes[0]?.log()).toContain('Ready to accept connections');
  const [node] = cluster.nodes as [RedisNode];
  expect(cluster.url).toBe(`redis://:se%3Acret@${cluster.urls[0]}`);
  expect(await node.ask('CONFIG', 'GET', 'cluster-require-full-coverage')).toContain('yes');
  expect(await node.ask('CONFIG', 'GET', 'maxmemory')).toContain(`${64 * 2 ** 20}`);
  await expect(node.ask('AUTH', 'another')).rejects.toThrow(/WRONGPASS/);
});

test('a replica takes over from a master that is killed, and from one that is told to', async () => {
  const cluster = await start({ replicas: 3 });
  for (const key of KEYS) await write(cluster, key);
  const killed = await cluster.masterOf('a');
  const [heir] = (await cluster.replicasOf(killed)) as [RedisNode];
  expect([await killed.role(), await heir.role()]).toEqual(['master', 'replica']);
  const kept = await killed.ask('DBSIZE');
  await until(async () => (await heir.ask('DBSIZE')) === kept, { what: 'all is copied' });

  await killed.kill9();
  expect([killed.runs(), runs(killed.pid)]).toEqual([false, false]);
  expect(await cluster.masterOf('a')).toBe(killed);
  await cluster.waitOk();
  expect(await cluster.masterOf('a')).toBe(heir);
  expect(await read(cluster, 'a')).toBe('of a');

  const { pid, port } = killed;
  await killed.start();
  await cluster.waitOk();
  expect(killed.pid).not.toBe(pid);
  expect(killed.port).toBe(port);
  expect(await killed.role()).toBe('replica');

  expect(await cluster.failover(heir)).toBe(killed);
  expect(await cluster.masterOf('a')).toBe(killed);
  expect(await read(cluster, 'a')).toBe('of a');
}, 40_000);

test('one that is paused keeps its connections and answers nobody', async () => {
  const cluster = await start({ nodeTimeoutMs: 60_000 });
  const node = await cluster.masterOf('a');
  await write(cluster, 'a');
  node.pause();
  const answer = node.ask('GET', 'a').catch((error: Error) => error.message);
  expect(await answer).toMatch(/timed out/);
  expect(node.runs()).toBe(false);
  await expect(cluster.waitOk(50)).rejects.toThrow(/counts on a master that does not run/);
  node.resume();
  expect(await node.ask('GET', 'a')).toBe('of a');
  await cluster.waitOk();
});

test('one that restarts is empty, unless it was told to save', async () => {
  const cluster = await start();
  for (const key of KEYS) await write(cluster, key);
  const [saved, lost] = await cluster.masters();
  await saved?.ask('SAVE');
  for (const node of [saved, lost]) await node?.stop();
  await Promise.all([saved, lost].map((node) => node?.start()));
  await cluster.waitOk();
  expect(await saved?.ask('DBSIZE')).toBeGreaterThan(0);
  expect(await lost?.ask('DBSIZE')).toBe(0);
  expect(await write(cluster, 'a')).toBe('OK');
});

test('a lost slot range is missed, and nothing else', async () => {
  const cluster = await start();
  for (const key of KEYS) await write(cluster, key);
  const lost = await cluster.masterOf('a');
  await lost.kill9();
  const others = cluster.nodes.filter((node) => node !== lost);
  for (const node of others) {
    const seen = async () => readNodes(String(await node.ask('CLUSTER', 'NODES')));
    await until(async () => (await seen()).some(({ flags }) => flags.includes('fail')), {
      what: 'it is given up',
    });
    expect(await node.ask('CLUSTER', 'INFO')).toContain('cluster_state:ok');
  }
  const served = await Promise.all(KEYS.map((key) => cluster.masterOf(key)));
  for (const [i, key] of KEYS.entries())
    if (served[i] !== lost) expect(await read(cluster, key)).toBe(`of ${key}`);
  await expect(cluster.waitOk(50)).rejects.toThrow(/counts on a master that does not run/);
});

test('a map is read as Redis writes it', () => {
  const seen = readNodes(
    [
      `aa 127.0.0.1:1@10001 myself,master - 0 0 3 connected 0-9 20 [20->-bb]`,
      `bb 127.0.0.1:2@10002 master - 0 5 2 connected 10-19`,
      `cc 127.0.0.1:3@10003 slave,fail bb 0 5 2 connected`,
      '',
    ].join('\n'),
  );
  expect(ownerOf(seen, 20)?.id).toBe('aa');
  expect(ownerOf(seen, 10)?.id).toBe('bb');
  expect(ownerOf(seen, 21)).toBeUndefined();
  expect(seen[2]).toEqual({ id: 'cc', flags: ['slave', 'fail'], masterId: 'bb', slots: [] });
  expect(mapText(seen, new Set(['aa', 'bb', 'cc']))).toBe('aa 0-9 20-20\nbb 10-19\ncc of bb');
  expect(mapText(seen, new Set(['aa', 'bb']))).toBe('aa 0-9 20-20\nbb 10-19');
  expect([0, 1, 2].map((i) => shareSlots(i, 3))).toEqual([
    [0, 5460],
    [5461, 10_921],
    [10_922, 16_383],
  ]);
});
