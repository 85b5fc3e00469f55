// The operators' commands about Redis and the processes that run, as they are typed, beside a relay and a service.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runJson } from '../test/commands.ts';
import { freshDatabase } from '../test/database.ts';
import { freePort } from '../test/postgres-server.ts';
import { type Built, startBuilt } from '../test/process.ts';
import { type RedisCluster, startRedisCluster } from '../test/redis-cluster.ts';
import { idOf, Writer } from '../test/service.ts';
import { until } from '../test/wait.ts';
import { demoKeys } from './demo/keys.ts';
import { openPostgresSession } from './source/postgres.ts';

const FREE_PORTS = { LOOKUP_HTTP_PORT: '0', LOOKUP_GRPC_PORT: '0', LOOKUP_OPS_PORT: '0' };
const PEOPLE = 6_000;

let dir: string;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let redis: RedisCluster;
let env: Record<string, string>;
let keys: Record<string, string>;
const processes: Built[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lookup-fleet-'));
  [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
  env = { LOOKUP_POSTGRES_URL: database.url, LOOKUP_REDIS_URL: redis.url };
  await runJson(['migrate'], env);
  // Keys of one's own: those of the demo, which serve refuses, without the word that says so.
  const files = await demoKeys(join(dir, 'keys'));
  for (const file of Object.values(files)) {
    const { demo: _, ...content } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(content));
  }
  keys = { LOOKUP_ISSUERS_FILE: files.issuersFile, LOOKUP_PHOTO_KEYS_FILE: files.photoKeysFile };
}, 60_000);

afterAll(async () => {
  for (const one of processes) await one.stop('SIGKILL');
  await redis?.discard();
  await database?.drop();
  rmSync(dir, { recursive: true, force: true });
});

async function serve(role: 'lookup' | 'relay'): Promise<Built> {
  const built = await startBuilt(['serve', '--role', role], { ...env, ...keys, ...FREE_PORTS });
  processes.push(built);
  const line = role === 'lookup' ? 'ready' : 'this relay leads';
  await built.until(() => built.json().some(({ msg }) => msg === line), line);
  return built;
}

describe('before anything runs', () => {
  test('what needs Redis says so, and what is not there is told', async () => {
    const without = { LOOKUP_POSTGRES_URL: database.url };
    const warm = await run(['warm'], without);
    expect(warm).toMatchObject({ code: 2 });
    expect(warm.stderr).toContain('error: LOOKUP_REDIS_URL is not set: "lookup warm" needs it');
    const wait = await run(['set-color', idOf(1), 'red', '--wait'], without);
    expect(wait).toMatchObject({ code: 2 });
    expect(wait.stderr).toContain('LOOKUP_REDIS_URL is not set: "--wait without --ops" needs it');
    const verify = await run(['verify'], without);
    expect(verify).toMatchObject({ code: 2 });
    expect(verify.stderr).toContain('set LOOKUP_REDIS_URL, or name processes with --grpc');
    const wrong = await run(['warm'], { ...without, LOOKUP_REDIS_URL: 'http://x' });
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain('error: LOOKUP_REDIS_URL must be redis://');
  });

  test('a Redis that nobody reaches is one line, without its password', async () => {
    const port = await freePort();
    const away = { ...env, LOOKUP_REDIS_URL: `redis://me:secret@127.0.0.1:${port}` };
    const { code, stderr } = await run(['warm'], away);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: Redis at 127.0.0.1:${port} (LOOKUP_REDIS_URL) cannot be reached`,
    );
    expect(stderr).not.toContain('secret');
  });

  test('without a relay nothing is filled', async () => {
    const { code, stderr } = await run(['warm'], env);
    expect(code).toBe(1);
    expect(stderr).toContain('no relay has led yet');
  });
});

describe('beside a relay and a service', () => {
  beforeAll(async () => {
    await serve('relay');
    const session = await openPostgresSession(database.url);
    const writer = new Writer(session);
    await writer.area(1, 'yellow');
    await session.transaction(async () => {
      await session.query('select lookup_begin_first_load()');
      await writer.people(1, PEOPLE, [1]);
    });
    await session.close();
    await serve('lookup');
  }, 60_000);

  test('a warm-up that is ended goes on where it says', async () => {
    const ended = await startBuilt(['warm', '--rate', '2000'], env);
    await until(() => /On PostgreSQL/.test(ended.stderr()), { what: 'it has begun' });
    // The first page is written, and it waits for its pace.
    await until(async () => Number((await inRedis()).length) > 0, { what: 'something is written' });
    expect(await ended.stop('SIGINT')).toBe(4);
    const next = /to go on: npx lookup (warm .*)/.exec(ended.stderr())?.[1] as string;
    expect(next).toMatch(/^warm( --after \S{22})? --rate 2000$/);
    const { complete, people } = await runJson(next.replace(' --rate 2000', '').split(' '), env);
    expect(complete).toBe(true);
    expect(people).toBeLessThanOrEqual(PEOPLE);
  }, 30_000);

  test('all agree, and verify says so', async () => {
    const value = await runJson(['verify'], env);
    expect(value).toMatchObject({
      ok: true,
      people: PEOPLE,
      missing_in_redis: 0,
      records_in_redis: PEOPLE,
      differences: {},
    });
    expect(value.processes).toMatchObject([{ answers: PEOPLE, gone: null }]);
    const { code, stdout } = await run(['verify', '--sample', '100'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^100 people compared with Redis and 1 process in .*: no difference\n/);
  }, 30_000);

  test('a change that is waited for shows at once, and explain says where', async () => {
    const { waited, mark } = await runJson(['set-color', idOf(7), 'red', '--wait'], env);
    expect(waited).toMatchObject({ processes: 1, missing: [] });
    const value = await runJson(['explain', idOf(7)], env);
    expect(value).toMatchObject({ agree: true, late: [], redis: { color: 'red' } });
    expect(value.processes).toMatchObject([{ color: 'red', stale: false }]);
    expect(Date.parse(value.processes[0].as_of)).toBeGreaterThanOrEqual(Date.parse(mark.as_of));
    const { stdout } = await run(['explain', idOf(7)], env);
    expect(stdout).toMatch(/^All agree: red \(own red, areas 1, no photo, version \d+\)\.\nsource/);
  });

  test('status finds them by itself', async () => {
    const { ok, redis: seen, processes: all } = await runJson(['status'], env);
    expect(ok).toBe(true);
    expect(seen.relays).toMatchObject([{ leads: true }]);
    expect(all.map(({ role }: { role: string }) => role).sort()).toEqual(['lookup', 'relay']);
  });

  test('a person who begins with a dash may be explained, and one who is nobody', async () => {
    const value = await runJson(['explain', `-${'A'.repeat(21)}`], env);
    expect(value).toMatchObject({ agree: true, summary: 'All agree: nobody.' });
  });

  test('a service that is gone is a difference to verify, named by its address', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await run(['verify', '--sample', '5', '--grpc', address], env);
    expect(code).toBe(1);
    expect(stdout).toContain('5 process-unavailable');
    expect(stdout).toContain(address);
    expect(stderr).toContain('error: 5 differences');
  }, 30_000);

  async function inRedis(): Promise<string[]> {
    const keys = await Promise.all(
      (await redis.masters()).map((node) => node.ask('KEYS', 'p*:{*[0-9]}')),
    );
    return keys.flat() as string[];
  }
});
