// lookup explain on a real PostgreSQL, a real Redis Cluster, a relay and two processes.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { keptOutput } from '../../test/output.ts';
import { freePort } from '../../test/postgres-server.ts';
import { type RedisCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { RedisRecords } from '../../test/redis-records.ts';
import { openRedisWorld, type RedisWorld } from '../../test/redis-world.ts';
import { idOf, madePhoto, type Running, type Writer } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { openGate } from '../fleet-session.ts';
import { decode } from '../layers/record-codec.ts';
import { listProcesses } from '../redis/processes.ts';
import { type ExplainParts, explain } from './explain.ts';
import { type Gate, gatesOf } from './gates.ts';

const PHOTO = madePhoto(1);

let database: Awaited<ReturnType<typeof freshDatabase>>;
let redis: RedisCluster;
let world: RedisWorld;
let writer: Writer;
let records: RedisRecords;
let processes: Running[];
let gates: Gate[];

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
  world = await openRedisWorld(database.url, redis);
  writer = await world.connect();
  records = new RedisRecords(world.connectRedis());
  await records.reached();
  world.relay();
  await writer.area(7, 'red');
  await writer.photo(PHOTO);
  await writer.person(1, 'green', [7], PHOTO.id);
  await writer.people(2, 20);
  await until(async () => (await records.get(21)) && (await records.get(1)), {
    what: 'the relay has written them',
    timeoutMs: 10_000,
  });
  // They know of no change: what they are told by Redis they must believe.
  processes = [await world.start(), await world.start()];
  await Promise.all(processes.map(({ service }) => service.ready));
  const registered = await until(
    async () => {
      const all = await listProcesses(records.nodes, 1_000);
      return all.length === 2 && all;
    },
    { what: 'both are registered' },
  );
  gates = gatesOf(registered, [], openGate);
}, 60_000);

afterAll(async () => {
  for (const gate of gates ?? []) gate.close();
  await world?.close();
  await redis?.discard();
  await database?.drop();
});

interface Value {
  agree: boolean;
  summary: string;
  source: Record<string, unknown>;
  redis: Record<string, unknown> | null;
  processes: Record<string, unknown>[];
  differences: { kind: string; where: string }[];
  late: { kind: string; where: string }[];
}

async function explained(n: number, parts: Partial<ExplainParts> = {}) {
  const all = { nodes: records.nodes, trouble: undefined, gates, ...parts };
  const [lines, json] = [keptOutput(), keptOutput({ asJson: true })];
  await explain(writer.session, all, { subject: idOf(n) }, json);
  await explain(writer.session, all, { subject: idOf(n) }, lines);
  return { lines: lines.lines, notes: lines.notes, ...(json.value as unknown as Value) };
}

const kinds = (differences: readonly { kind: string }[]) => differences.map(({ kind }) => kind);

test('one on whom all agree: color, floors, photo, version and their times', async () => {
  const { agree, summary, source, redis, processes, lines } = await explained(1);
  const { version } = source;
  const truth = `red (own green, areas 7, photo ${PHOTO.id}, version ${version})`;
  expect({ agree, summary }).toEqual({ agree: true, summary: `All agree: ${truth}.` });
  expect(source).toMatchObject({
    effective: 'red',
    color: 'green',
    areas: [{ id: 7, name: 'made', floor: 'red' }],
    photo: { id: PHOTO.id, mime: 'image/png' },
    as_of: expect.stringMatching(/^\d{4}-.*Z$/),
    epoch: expect.stringMatching(/-1$/),
  });
  expect(redis).toMatchObject({
    node: records.nodeOf(1).name,
    state: 'record',
    version,
    color: 'green',
    areas: [7],
    photo: PHOTO.id,
    mark: { keyspace: expect.stringMatching(/^\w+$/), epoch: source.epoch },
  });
  expect(processes).toHaveLength(2);
  for (const process of processes)
    expect(process).toMatchObject({
      outcome: 'found',
      color: 'red',
      photo: PHOTO.id,
      version,
      stale: false,
      layer: expect.stringMatching(/^(memory|redis)$/),
      age_ms: expect.any(Number),
    });
  expect(lines[0]).toBe(summary);
  expect(lines).toContainEqual('          area 7 made: floor red');
  expect(lines).toContainEqual(
    expect.stringMatching(/^ {10}its mark is \d+ ms old .*keyspace \w+$/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^ {10}from memory, as of .*, \d+ ms old$/));
  expect(lines.join('\n')).not.toContain('undefined');
});

test('one who is not in Redis, one who is erased and one who never was are no differences', async () => {
  await writer.session.transaction(async () => {
    await writer.person(30, 'yellow');
    await writer.erase(2);
  });
  await until(async () => (await records.get(30)) !== undefined, { what: 'the change is there' });
  const erased = await explained(2);
  expect(erased).toMatchObject({ agree: true, redis: { state: 'erased' } });
  expect(erased.source.erased_at).toMatch(/Z$/);
  expect(erased.summary).toMatch(/^All agree( now)?: erased, version \d+\./);
  expect(erased.processes.map(({ outcome }) => outcome)).toEqual(['absent', 'absent']);
  const nobody = await explained(999);
  expect(nobody).toMatchObject({
    agree: true,
    redis: { state: 'nothing' },
    summary: 'All agree: nobody.',
  });
  expect(nobody.source).toMatchObject({ there: false, version: null });
});

test('what cannot be read in Redis is named, though the processes mend it', async () => {
  await records.put(3, Buffer.from('torn'));
  const { agree, differences, summary, redis } = await explained(3);
  expect({ agree, kinds: kinds(differences) }).toEqual({
    agree: false,
    kinds: ['redis-unreadable'],
  });
  expect(redis).toMatchObject({ state: 'unreadable', says: 'what cannot be read: of format 116' });
  expect(summary).toMatch(/^They do not agree\. The source says: green .*\(redis-unreadable\)\.$/);
});

test('an older record in Redis is named, and the process that took it', async () => {
  const good = decode((await records.get(4)) as Buffer)?.person;
  await records.putRecord(4, { ...good, color: 3, version: 1 } as never);
  const { differences, redis } = await explained(4);
  expect(redis).toMatchObject({ version: 1, color: 'red' });
  expect(kinds(differences)).toEqual(['redis-older', 'process-color', 'process-color']);
  expect(differences.map(({ where }) => where)).toEqual([
    records.nodeOf(4).name,
    ...gates.map(({ name }) => name),
  ]);
});

test('a process that has not heard of a change yet is late, and does not differ', async () => {
  const [gate] = gates as [Gate, Gate];
  const before = await gate.ask([{ subject: idOf(5) }]);
  await writer.person(5, 'red');
  await until(async () => (await gate.ask([{ subject: idOf(5) }]))[0]?.color === 3, {
    what: 'red',
  });
  let asked = 0;
  const slow: Gate = {
    ...gate,
    ask: async (questions) => (asked++ % 2 === 0 ? before : gate.ask(questions)),
  };
  const { agree, late, summary } = await explained(5, { gates: [slow] });
  expect({ agree, late: kinds(late) }).toEqual({ agree: true, late: ['process-color'] });
  expect(summary).toMatch(/^All agree now: red .*\. A moment before, .* still said green/);
});

test('a process that is named but not there, and a Redis that is not, are told', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const [nobody] = gatesOf([], [address], openGate) as [Gate];
  const { differences, processes, redis, lines } = await explained(6, {
    nodes: undefined,
    trouble: 'Redis cannot be reached',
    gates: [nobody],
  });
  expect(kinds(differences)).toEqual(['process-unavailable']);
  expect(processes).toMatchObject([{ name: address, outcome: 'unavailable' }]);
  expect(redis).toBeNull();
  expect(lines).toContain('redis     not asked: Redis cannot be reached');
  nobody.close();
  const { summary } = await explained(6, { nodes: undefined, gates: [] });
  expect(summary).toMatch(/^The source says: green .*\. Nobody else was asked\.$/);
});
