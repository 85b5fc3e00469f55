// Logins that are members of one role each do the work of their part of the system, and nothing more.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { keptOutput } from '../../test/output.ts';
import { type RedisCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { RedisRecords } from '../../test/redis-records.ts';
import { openRedisWorld, type RedisWorld } from '../../test/redis-world.ts';
import { idOf, keptLog, madePhoto, Writer } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { erase } from '../admin/erase.ts';
import { migrate } from '../admin/migrate.ts';
import { setArea } from '../admin/set-area.ts';
import { setColor } from '../admin/set-color.ts';
import { systemClock } from '../clock.ts';
import { configWith } from '../config.ts';
import { startRelay } from '../relay-service.ts';
import { openPostgresSession, PostgresSql } from './postgres.ts';
import { grantRoles, ROLES } from './roles.ts';
import type { SqlSession } from './sql.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let redis: RedisCluster;
let world: RedisWorld;
let owner: Writer;
const sessions: SqlSession[] = [];
const logins: string[] = [];

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
  world = await openRedisWorld(database.url, redis);
  owner = await world.connect();
  await grantRoles(owner.session);
}, 60_000);

afterAll(async () => {
  for (const session of sessions) await session.close();
  await world?.close();
  for (const login of logins) await dropLogin(login);
  await redis?.discard();
  await database?.drop();
});

async function dropLogin(name: string): Promise<void> {
  const session = await openPostgresSession(database.url);
  await session.exec(`drop role ${name}`);
  await session.close();
}

/** @returns the URL of a new login that is a member of these roles, and of nothing else */
async function loginOf(...roles: string[]): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  logins.push(name);
  await owner.session.exec(`create role ${name} login password '${name}'`);
  for (const role of roles) await owner.session.exec(`grant ${role} to ${name}`);
  const url = new URL(database.url);
  url.username = name;
  url.password = name;
  return url.href;
}

async function connectAs(...roles: string[]): Promise<Writer> {
  const session = await openPostgresSession(await loginOf(...roles));
  sessions.push(session);
  return new Writer(session);
}

const sql = (url: string, statementTimeoutMs = 1_000) =>
  new PostgresSql({
    url,
    poolMax: 1,
    statementTimeoutMs,
    connectTimeoutMs: 1_000,
    applicationName: 'test-roles',
  });

const DENIED = { code: '42501' };

describe('lookup migrate --roles', () => {
  test('makes what is missing, nobody logs in with them, and a second time there is nothing to make', async () => {
    const output = keptOutput({ asJson: true });
    await migrate(owner.session, { dryRun: false, roles: true }, output);
    const names = Object.keys(ROLES);
    expect(output.value).toEqual({ ran: [], roles: names, roles_made: [] });
    const rows = await owner.session.query<{ name: string; may: string }>(
      `select rolname as name, (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb)::text as may
        from pg_roles where rolname = any($1::text[]) order by rolname`,
      [names],
    );
    expect(rows).toEqual([...names].sort().map((name) => ({ name, may: 'false' })));
  });

  test('takes away what a role was given besides', async () => {
    const reader = await connectAs('lookup_reader');
    await owner.session.exec('grant insert on photo to lookup_reader');
    await reader.photo(madePhoto(90));
    await grantRoles(owner.session);
    await expect(reader.photo(madePhoto(91))).rejects.toMatchObject(DENIED);
  });

  test('dry it says what it would do, and makes nothing', async () => {
    const output = keptOutput();
    await migrate(owner.session, { dryRun: true, roles: true }, output);
    expect(output.lines).toContainEqual(
      expect.stringMatching(/^role lookup_reader \(would have\): /),
    );
  });
});

describe('a login of lookup_reader', () => {
  test('reads people, and writes nothing', async () => {
    const reader = await connectAs('lookup_reader');
    await owner.area(1);
    await owner.person(1, 'green', [1]);
    expect(await reader.session.query('select count(*)::text as n from person')).toEqual([
      { n: '1' },
    ]);
    for (const statement of [
      "insert into person (subject, color) values (gen_random_uuid(), 'green')",
      "update person set color = 'red'",
      "update area set floor = 'red'",
      'delete from photo',
      'delete from outbox',
      'truncate person',
      "insert into outbox (xid, version, kind) values ('9', 9, 'load')",
      'select lookup_begin_first_load()',
      "select lookup_keep(pg_current_snapshot(), interval '1 second')",
      "select lookup_lease('me', interval '1 hour', 99)",
      "select lookup_bury(array[]::uuid[], interval '1 second')",
      "select lookup_new_epoch(1, 'x')",
      "select setval('change_version', 1)",
      "select nextval('change_version')",
      'create table mine ()',
    ])
      await expect(reader.session.exec(statement), statement).rejects.toMatchObject(DENIED);
  });

  test('is enough for a service beside a relay; and lookup_relay for the relay', async () => {
    const [readerUrl, relayUrl] = [await loginOf('lookup_reader'), await loginOf('lookup_relay')];
    const photo = madePhoto(1);
    await owner.photo(photo);
    await owner.area(2, 'yellow');
    await owner.person(2, 'green', [2], photo.id);
    const { lines, log } = keptLog();
    const parts = {
      feed: sql(relayUrl, 5_000),
      lease: sql(relayUrl),
      replays: sql(relayUrl, 5_000),
    };
    const nodes = world.connectRedis();
    await new RedisRecords(nodes).reached();
    const relay = startRelay({
      config: configWith({ leaseMs: 1_000, tombstoneMs: 60_000, fenceMs: 30_000 }),
      nodes,
      sql: parts,
      clock: systemClock,
      log,
    });
    await until(() => relay.relay.leads, { what: 'it leads' });
    const running = await world.start({
      sql: { lookups: sql(readerUrl), feed: sql(readerUrl, 5_000), photos: sql(readerUrl) },
    });
    await running.service.ready;
    const answer = async (n: number) => (await running.gate.lookup({ subject: idOf(n) })).answer;
    expect(await answer(2)).toMatchObject({ outcome: 'found', color: 2, photoId: photo.id });
    expect((await running.gate.photo(photo.id)).image).toEqual(photo.bytes);
    await owner.area(2, 'red');
    await until(async () => (await answer(2))?.color === 3, { what: 'a new floor shows' });
    await owner.erase(2);
    await until(async () => (await answer(2))?.outcome === 'absent', { what: 'they are gone' });
    // What the relay keeps for the others is kept: tokens of the source's history, cursors, its lease.
    const counts = () =>
      owner.session.query<{ tokens: string; cursors: string; term: string }>(
        `select (select count(*) from history_token)::text as tokens,
          (select count(*) from feed_cursor)::text as cursors, (select term from relay_lease)::text as term`,
      );
    await until(async () => Number((await counts())[0]?.tokens) > 1, { what: 'it keeps tokens' });
    expect((await counts())[0]).toMatchObject({ term: expect.stringMatching(/^\d+$/) });
    const complaints = [...lines, ...running.log].filter(({ level }) => level !== 'info');
    expect(complaints).toEqual([]);
    await running.stop();
    await relay.close();
    await Promise.all(Object.values(parts).map((one) => one.close()));
  }, 30_000);
});

test('a service without Redis follows the outbox itself, and needs both roles', async () => {
  const url = await loginOf('lookup_reader', 'lookup_relay');
  const running = await world.start({
    sql: { lookups: sql(url), feed: sql(url, 5_000), photos: sql(url) },
    redis: undefined as never,
  });
  await running.service.ready;
  await owner.person(20, 'yellow');
  const color = async () => (await running.gate.lookup({ subject: idOf(20) })).answer?.color;
  await until(async () => (await color()) === 2, { what: 'it shows' });
  await owner.person(20, 'red');
  await until(async () => (await color()) === 3, { what: 'the change shows' });
  expect(running.log.filter(({ level }) => level !== 'info')).toEqual([]);
  await running.stop();
});

describe('a login of lookup_relay', () => {
  test('sees no photo, and writes only what it is there for', async () => {
    const relay = await connectAs('lookup_relay');
    for (const statement of [
      'select bytes from photo',
      "update person set color = 'red'",
      'delete from person',
      'delete from outbox',
      'update relay_lease set term = 99',
      'delete from history_token',
      'select lookup_begin_first_load()',
      'create table mine ()',
    ])
      await expect(relay.session.exec(statement), statement).rejects.toMatchObject(DENIED);
  });

  test('buries the erased, trims the outbox and begins a new epoch by its functions', async () => {
    const relay = await connectAs('lookup_relay');
    await owner.person(30, 'green');
    await owner.erase(30);
    const [erased] = await owner.session.query<{ subject: string }>(
      'select subject::text as subject from person where erased_at is not null order by erased_at desc limit 1',
    );
    await relay.session.query(`select lookup_bury($1::uuid[], interval '0 seconds')`, [
      [erased?.subject as string],
    ]);
    const [left] = await owner.session.query(
      'select 1 as there from person where subject = $1::uuid',
      [erased?.subject as string],
    );
    expect(left).toBeUndefined();
    const [before] = await relay.session.query<{ epoch: string }>(
      'select lookup_source_epoch() as epoch',
    );
    await relay.session.query('select lookup_new_epoch(1::bigint, $1::text)', [
      before?.epoch as string,
    ]);
    const [after] = await relay.session.query<{ epoch: string }>(
      'select lookup_source_epoch() as epoch',
    );
    expect(after?.epoch).not.toBe(before?.epoch);
  });
});

describe('a login of lookup_writer', () => {
  test('writes people, areas and photos, and gets a mark', async () => {
    const writer = await connectAs('lookup_writer');
    const photo = madePhoto(9);
    await writer.area(5, 'red');
    await writer.photo(photo);
    await writer.person(40, 'yellow', [5], photo.id);
    await writer.person(40, 'green', [5]);
    await writer.erase(40);
    expect((await writer.mark()).sourceEpoch).not.toBe('');
    const [told] = await owner.session.query<{ n: string }>(
      `select count(*)::text as n from outbox where kind = 'person' and subject = $1::uuid`,
      [`00000000-0000-0000-0000-${(40).toString(16).padStart(12, '0')}`],
    );
    expect(Number(told?.n)).toBe(3);
  });

  test('is enough for the commands of operators that write', async () => {
    const { session } = await connectAs('lookup_writer');
    await owner.photo(madePhoto(8));
    await owner.person(50, 'green', [5], madePhoto(8).id);
    const subject = idOf(50);
    await setColor(session, { subject, color: 'red' }, keptOutput());
    await setArea(session, { area: 5, color: 'green', yes: true, dryRun: false }, keptOutput());
    const output = keptOutput({ asJson: true });
    await erase(session, { subjects: [subject], yes: true, outboxRetentionMs: 1 }, output);
    expect(output.value).toMatchObject({ changed: true, photos_deleted: [madePhoto(8).id] });
    // It may begin a first load, and is told that this would be none.
    await expect(session.query('select lookup_begin_first_load()')).rejects.toMatchObject({
      code: '55000',
    });
  });

  test('cannot take back what was told, nor lead, nor stand in for a table of ours', async () => {
    const writer = await connectAs('lookup_writer');
    for (const statement of [
      'delete from outbox',
      "insert into outbox (xid, version, kind) values ('9', 9, 'load')",
      'delete from area',
      'delete from person',
      'update source_epoch set counter = 9',
      "select lookup_lease('me', interval '1 hour', 99)",
      "select setval('change_version', 1)",
      'alter table person disable trigger all',
    ])
      await expect(writer.session.exec(statement), statement).rejects.toThrow(
        /permission denied|must be owner/,
      );
    await writer.session.exec('create temporary table outbox (like public.outbox)');
    await writer.person(41, 'red', [5]);
    const [told] = await owner.session.query(
      `select color::text as color from public.outbox where subject = $1::uuid`,
      [`00000000-0000-0000-0000-${(41).toString(16).padStart(12, '0')}`],
    );
    expect(told).toEqual({ color: 'red' });
  });
});

test('a login of none of them reads nothing', async () => {
  const nobody = await connectAs();
  await expect(nobody.session.exec('select color from person')).rejects.toMatchObject(DENIED);
});
