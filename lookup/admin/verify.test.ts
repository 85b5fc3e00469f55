// lookup verify on a real PostgreSQL, a real Redis Cluster, a relay and a process: each kind of difference is planted
// where it would come to be, and found; what only changes is none.

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { keptOutput } from '../../test/output.ts';
import { freePort } from '../../test/postgres-server.ts';
import { type RedisCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { RedisRecords } from '../../test/redis-records.ts';
import { openRedisWorld, type RedisWorld, type RunningRelay } from '../../test/redis-world.ts';
import { idOf, madePhoto, type Running, type Writer } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { openGate } from '../fleet-session.ts';
import type { PersonRecord } from '../health-code.ts';
import { decode } from '../layers/record-codec.ts';
import type { Kind } from './differences.ts';
import { type Gate, gatesOf } from './gates.ts';
import { type VerifyOptions, verify } from './verify.ts';
import { warm } from './warm.ts';

const PEOPLE = 3_000;
const PHOTO = madePhoto(1).id;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let redis: RedisCluster;
let world: RedisWorld;
let writer: Writer;
let records: RedisRecords;
let relay: RunningRelay;
const gates: Gate[] = [];

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
  world = await openRedisWorld(database.url, redis);
  writer = await world.connect();
  records = new RedisRecords(world.connectRedis());
  await records.reached();
  relay = world.relay();
  await writer.area(1);
  await writer.area(2, 'yellow');
  await writer.people(1, PEOPLE, [1]);
  await until(async () => (await records.get(PEOPLE)) !== undefined, {
    what: 'the relay has written them',
    timeoutMs: 15_000,
  });
}, 60_000);

afterAll(async () => {
  for (const gate of gates) gate.close();
  await world?.close();
  await redis?.discard();
  await database?.drop();
});

/** A process that knows of no change yet: what Redis tells it, it must believe. */
async function startProcess(): Promise<{ running: Running; gate: Gate }> {
  const running = await world.start();
  await running.service.ready;
  const [gate] = gatesOf([], [`127.0.0.1:${running.service.grpcPort}`], openGate) as [Gate];
  gates.push(gate);
  return { running, gate };
}

interface Value {
  ok: boolean;
  complete: boolean;
  people: number;
  missing_in_redis: number;
  records_in_redis: number;
  processes: { name: string; answers: number; gone: string | null }[];
  differences: Partial<Record<Kind, number>>;
  examples: { kind: Kind; subject: string; where: string; source: string; found: string }[];
}

async function verified(some: readonly Gate[], options: Partial<VerifyOptions> = {}) {
  const output = keptOutput({ asJson: true });
  const compared = { nodes: records.nodes, trouble: undefined, gates: some };
  const all = {
    sample: undefined,
    ratePerS: 100_000,
    signal: new AbortController().signal,
    ...options,
  };
  const code = await verify(writer.session, compared, all, output).then(
    () => 0,
    (error) => error.exitCode,
  );
  return { code, ...(output.value as unknown as Value) };
}

async function recordOf(n: number): Promise<PersonRecord> {
  return decode((await records.get(n)) as Buffer)?.person as PersonRecord;
}

describe('where all is well', () => {
  test('nobody differs, and all are compared with Redis and with each process', async () => {
    const [one, two] = [await startProcess(), await startProcess()];
    const { code, ...value } = await verified([one.gate, two.gate]);
    expect(value).toMatchObject({ ok: true, complete: true, differences: {}, examples: [] });
    expect(value).toMatchObject({ people: PEOPLE, missing_in_redis: 0, records_in_redis: PEOPLE });
    expect(value.processes.map(({ answers }) => answers)).toEqual([PEOPLE, PEOPLE]);
    expect(code).toBe(0);
    await two.running.stop();
  });

  test('it says so in a line', async () => {
    const output = keptOutput();
    const compared = { nodes: records.nodes, trouble: undefined, gates: gates.slice(0, 1) };
    const { signal } = new AbortController();
    await verify(writer.session, compared, { sample: 10, ratePerS: 1_000, signal }, output);
    expect(output.lines).toEqual([
      expect.stringMatching(
        /^10 people compared with Redis and 1 process in \d\.\d s: no difference$/,
      ),
      '0 of them are not in Redis, which is no difference',
    ]);
  });

  test('a sample is as large as asked for, and chosen anew each time', async () => {
    const seen: string[][] = [];
    const spy = (gate: Gate): Gate => ({
      ...gate,
      ask(questions) {
        seen.push(questions.map(({ subject }) => subject));
        return gate.ask(questions);
      },
    });
    for (let i = 0; i < 2; i++)
      expect(await verified([spy(gates[0] as Gate)], { sample: 100 })).toMatchObject({
        code: 0,
        people: 100,
      });
    const [first, second] = seen as [string[], string[]];
    expect([new Set(first).size, new Set(second).size]).toEqual([100, 100]);
    expect(first.filter((subject) => second.includes(subject)).length).toBeLessThan(50);
  });

  test('what changes meanwhile is no difference: people, floors, erased and new ones', async () => {
    const { gate, running } = await startProcess();
    let stop = false;
    let changes = 0;
    const other = await world.connect();
    const changing = (async () => {
      for (let i = 0; !stop; i++) {
        await other.person(1 + (i % 40), ['red', 'yellow', 'green'][i % 3], [1 + (i % 2)]);
        if (i % 10 === 0) await other.area(1, ['yellow', 'green'][(i / 10) % 2]);
        if (i % 50 === 0) await other.erase(100 + i / 50);
        if (i % 50 === 25) await other.person(10_000 + i);
        changes += 1;
        await pause(2);
      }
    })();
    const { code, differences, examples } = await verified([gate], { ratePerS: 1_000 });
    stop = true;
    await changing;
    expect({ code, differences, examples }).toEqual({ code: 0, differences: {}, examples: [] });
    expect(changes).toBeGreaterThan(200);
    await running.stop();
  }, 60_000);

  test('keeps to its rate', async () => {
    const begun = performance.now();
    await verified([], { sample: 1_000, ratePerS: 1_000, pagePeople: 100 });
    expect(performance.now() - begun).toBeGreaterThan(990);
  });

  test('one that is ended tells how far it was, and is not complete', async () => {
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 1_000);
    const value = await verified([], { ratePerS: 1_000, pagePeople: 100, signal: ending.signal });
    expect(value).toMatchObject({ code: 4, ok: false, complete: false });
    expect(value.people).toBeGreaterThan(0);
    expect(value.people).toBeLessThan(PEOPLE);
  });
});

describe('where something differs', () => {
  test('each kind in Redis, by whoever holds it in memory already', async () => {
    const { gate } = await startProcess();
    const planted = new Map<number, Kind>();
    const subjects = Array.from({ length: 20 }, (_, i) => ({ subject: idOf(2_000 + i) }));
    await gate.ask(subjects);
    await writer.erase(2_010);
    const isErased = async () => 'erased' in (await recordOf(2_010));
    await until(isErased, { what: 'the relay has written it' });
    const plant = async (n: number, kind: Kind, change: Partial<PersonRecord>) => {
      planted.set(n, kind);
      await records.putRecord(n, { ...(await recordOf(n)), ...change });
    };
    const { version } = await recordOf(2_000);
    const alive = await recordOf(2_011);
    await plant(2_000, 'redis-older', { version: version - 1, color: 3 });
    await plant(2_001, 'redis-newer', { version: version + 10_000_000 });
    await plant(2_002, 'redis-color', { color: 2 });
    await plant(2_003, 'redis-areas', { areas: [2] });
    await plant(2_004, 'redis-photo', { photo: PHOTO });
    const tombstone = decode((await records.get(2_010)) as Buffer)?.person;
    await records.putRecord(2_010, {
      ...alive,
      subject: idOf(2_010),
      version: (tombstone?.version as number) - 1,
    });
    planted.set(2_010, 'redis-erased-but-there');
    await records.put(2_005, Buffer.from('torn'));
    planted.set(2_005, 'redis-unreadable');
    const flipped = Buffer.from((await records.get(2_006)) as Buffer);
    flipped.writeUInt8((flipped[20] as number) ^ 1, 20);
    await records.put(2_006, flipped);
    planted.set(2_006, 'redis-unreadable');
    await records.put(2_007, (await records.get(2_008)) as Buffer);
    planted.set(2_007, 'redis-foreign');

    const { code, differences, examples } = await verified([gate]);
    expect(code).toBe(1);
    expect(new Map(examples.map(({ subject, kind }) => [subject, kind]))).toEqual(
      new Map([...planted].map(([n, kind]) => [idOf(n), kind])),
    );
    expect(differences).toEqual({
      'redis-older': 1,
      'redis-newer': 1,
      'redis-color': 1,
      'redis-areas': 1,
      'redis-photo': 1,
      'redis-erased-but-there': 1,
      'redis-unreadable': 2,
      'redis-foreign': 1,
    });
    for (const { where, subject } of examples) {
      const n = [...planted.keys()].find((one) => idOf(one) === subject) as number;
      expect(where).toBe(records.nodeOf(n).name);
    }
    await mend(...planted.keys());
  }, 60_000);

  test('one in Redis whom the source never had, and the process that believes it', async () => {
    const { gate, running } = await startProcess();
    const record = { ...(await recordOf(1_000)), subject: idOf(500_000), version: 1 };
    await records.putRecord(500_000, record);
    const { code, differences, examples } = await verified([gate]);
    expect(code).toBe(1);
    expect(differences).toEqual({ 'redis-absent-but-present': 1, 'process-erased-but-there': 1 });
    expect(examples.map(({ subject, source }) => [subject, source])).toEqual([
      [idOf(500_000), 'nobody'],
      [idOf(500_000), 'nobody'],
    ]);
    await records.drop(500_000);
    await running.stop();
  });

  test('what a process answers that believed an older record: color, photo, version, absence', async () => {
    const { gate, running } = await startProcess();
    const planted = new Map<number, Kind>([
      [1_100, 'process-color'],
      [1_101, 'process-photo'],
      [1_102, 'process-version'],
      [1_103, 'process-absent'],
    ]);
    for (const [n, kind] of planted) {
      const { version: now, ...record } = await recordOf(n);
      const version = now - 1;
      if (kind === 'process-absent')
        await records.putRecord(n, { subject: idOf(n), version, erased: true });
      else if (kind === 'process-color')
        await records.putRecord(n, { ...record, version, color: 3 });
      else if (kind === 'process-photo')
        await records.putRecord(n, { ...record, version, photo: PHOTO });
      else await records.putRecord(n, { ...record, version });
    }
    const { code, differences, examples } = await verified([gate]);
    expect(code).toBe(1);
    expect(differences).toEqual({
      'redis-older': 4,
      'process-color': 1,
      'process-photo': 1,
      'process-version': 1,
      'process-absent': 1,
    });
    const processes = examples.filter(({ where }) => where === gate.name);
    expect(new Map(processes.map(({ subject, kind }) => [subject, kind]))).toEqual(
      new Map([...planted].map(([n, kind]) => [idOf(n), kind])),
    );
    await mend(...planted.keys());
    await running.stop();
  }, 30_000);

  test('a process that is gone is a difference, and is given up', async () => {
    const [nobody] = gatesOf([], [`127.0.0.1:${await freePort()}`], openGate) as [Gate];
    const { code, differences, processes } = await verified([nobody], { pagePeople: 500 });
    expect(code).toBe(1);
    expect(differences).toEqual({ 'process-unavailable': 1_500 });
    expect(processes).toEqual([
      { name: nobody.name, answers: 0, gone: expect.stringMatching(/connect/i) },
    ]);
    nobody.close();
  });

  test('a person of whom Redis has nothing is no difference, and counted', async () => {
    await records.drop(1_200);
    const { code, missing_in_redis, differences } = await verified([]);
    expect({ code, missing_in_redis, differences }).toEqual({
      code: 0,
      missing_in_redis: 1,
      differences: {},
    });
  });

  test('many differences are all counted, and a hundred shown, of each kind some', async () => {
    for (let n = 1_300; n < 1_500; n++)
      await records.putRecord(n, { ...(await recordOf(n)), areas: [2] });
    await records.put(1_500, Buffer.from('torn'));
    const output = keptOutput();
    const compared = { nodes: records.nodes, trouble: undefined, gates: [] };
    const { signal } = new AbortController();
    const verifying = verify(
      writer.session,
      compared,
      { sample: undefined, ratePerS: 1e5, signal },
      output,
    );
    await expect(verifying).rejects.toThrow('201 differences');
    expect(output.lines.filter((line) => /^\d/.test(line)).slice(2)).toEqual([
      '200 redis-areas: the same version lies in Redis with other areas; 99 of them',
      '1 redis-unreadable: what lies in Redis is torn, or of another format',
    ]);
    expect(output.lines.filter((line) => line.startsWith('  '))).toHaveLength(100);
    await mend(...Array.from({ length: 201 }, (_, i) => 1_300 + i));
  }, 30_000);
});

/** Whatever lies there is removed, and what the source has is written. */
async function mend(...broken: number[]): Promise<void> {
  for (const n of broken) await records.drop(n);
  const output = keptOutput();
  const { signal } = new AbortController();
  const options = { after: undefined, ratePerS: undefined, fenceMs: 30_000, signal };
  await warm(writer.session, records.nodes, options, output);
}

describe('where Redis is not well', () => {
  test('a node that follows another epoch is told for each of its people', async () => {
    await mend();
    await relay.stop();
    const node = records.nodeOf(1);
    const here = Array.from({ length: PEOPLE }, (_, i) => i + 1).filter(
      (n) => records.nodeOf(n) === node,
    ).length;
    const [epoch] = (await node.command(['HMGET', node.markKey, 'epoch'], 1_000)) as [Buffer];
    await node.command(['HSET', node.markKey, 'epoch', 'another'], 1_000);
    const { code, differences } = await verified([], { sample: PEOPLE * 2 });
    expect(code).toBe(1);
    expect(differences['redis-other-epoch']).toBeGreaterThanOrEqual(here);
    await node.command(['HSET', node.markKey, 'epoch', epoch], 1_000);
    expect(await verified([])).toMatchObject({ code: 0 });
  }, 30_000);

  test('without a relay, what is late stays a difference, and a process that says how old it is does not', async () => {
    const { gate } = await startProcess();
    await gate.ask([{ subject: idOf(1) }]);
    await writer.person(1, 'red', [2]);
    const { code, differences } = await verified([gate]);
    expect({ code, differences }).toEqual({ code: 1, differences: { 'redis-older': 1 } });
  }, 30_000);

  test('a node that is dead is told, and that not all were looked at', async () => {
    const node = records.nodeOf(1);
    await redis.nodes.find(({ name }) => name === node.name)?.kill9();
    const { code, complete, differences } = await verified([]);
    expect({ code, complete }).toEqual({ code: 1, complete: false });
    expect(differences['redis-unavailable']).toBeGreaterThan(PEOPLE / 5);
  }, 30_000);

  test('nothing to compare with, and a Redis that is set but not there, are refused', async () => {
    const { signal } = new AbortController();
    const options = { sample: undefined, ratePerS: 1_000, signal };
    const nothing = { nodes: undefined, trouble: undefined, gates: [] };
    await expect(verify(writer.session, nothing, options, keptOutput())).rejects.toMatchObject({
      exitCode: 2,
    });
    const away = { ...nothing, trouble: 'Redis cannot be reached' };
    await expect(verify(writer.session, away, options, keptOutput())).rejects.toMatchObject({
      exitCode: 1,
      message: 'Redis cannot be reached',
    });
  });
});
