import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../test/database.ts';
import { freePort } from '../test/postgres-server.ts';
import { until } from '../test/wait.ts';
import { type SessionOptions, withSession } from './sessions.ts';
import { openEmbedded } from './source/embedded.ts';
import { openDoor } from './source/embedded-door.ts';
import { migrate } from './source/migrate.ts';
import { openPostgresSession } from './source/postgres.ts';

let dir: string;
let said: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lookup-sessions-'));
  said = [];
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const options = (postgresUrl?: string, more: Partial<SessionOptions> = {}): SessionOptions => ({
  config: { postgresUrl, dataDir: dir, postgresConnectTimeoutMs: 2_000 },
  say: (where) => said.push(where),
  ...more,
});

const one = async (with_: SessionOptions) =>
  withSession(with_, async (session) => (await session.query('select 1 as one'))[0]);

describe('a command on the embedded source', () => {
  test('is told when there is none, and makes none', async () => {
    const nothing = one(options());
    await expect(nothing).rejects.toThrow('there is no source: LOOKUP_POSTGRES_URL is not set');
    await expect(nothing).rejects.toMatchObject({ exitCode: 2 });
    expect(readdirSync(dir)).toEqual([]);
  });

  test('opens the folder by itself, leaves it free, and enters by the door while it is held', async () => {
    const first = await openEmbedded(dir);
    await first.close();
    await expect(
      withSession(options(), (session) => session.query('select nonsense')),
    ).rejects.toThrow('nonsense');
    expect(await one(options())).toEqual({ one: 1 });
    expect(said).toEqual([`the embedded source in ${dir}`, `the embedded source in ${dir}`]);

    const onlyRunning = one(options(undefined, { onlyRunning: true }));
    await expect(onlyRunning).rejects.toMatchObject({ exitCode: 1 });

    const holder = await openEmbedded(dir);
    const closeDoor = await openDoor(dir, () => holder.session());
    expect(await one(options(undefined, { onlyRunning: true }))).toEqual({ one: 1 });
    expect(said.at(-1)).toBe(`the embedded source in ${dir}, through the process that holds it`);
    await closeDoor();
    await holder.close();
  });

  test('does not break into a folder whose process does not answer', async () => {
    await (await openEmbedded(dir)).close();
    writeFileSync(join(dir, 'lock'), String(process.ppid));
    const held = one(options());
    await expect(held).rejects.toThrow(/in use by process \d+.*try again in a moment/);
    await expect(held).rejects.toMatchObject({ exitCode: 1 });
  });
});

describe('a command on PostgreSQL', () => {
  test('needs the schema, brings it when it is "migrate", and leaves no connection', async () => {
    const { url, drop } = await freshDatabase();
    const watcher = await openPostgresSession(url);
    try {
      const early = one(options(url));
      await expect(early).rejects.toThrow(
        /lacks 0001_schema\.sql.*: run "npx lookup migrate" first/,
      );
      await expect(early).rejects.toMatchObject({ exitCode: 2 });
      const ran = await withSession(options(url, { anySchema: true }), migrate);
      expect(ran).toContain('0001_schema.sql');
      expect(await one(options(url))).toEqual({ one: 1 });
      const failed = withSession(options(url), (session) => session.query('select nonsense'));
      await expect(failed).rejects.toThrow('nonsense');
      await until(
        async () =>
          (
            await watcher.query(
              'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
            )
          ).length === 0,
        { what: 'all that was opened is closed' },
      );
    } finally {
      await watcher.close();
      await drop();
    }
  });

  test('is told which one cannot be reached, without its password', async () => {
    const place = `localhost:${await freePort()}/city`;
    const failed: Error = await one(options(`postgres://me:secret@${place}`)).then(
      () => new Error('it was reached'),
      (error) => error,
    );
    expect(failed).toMatchObject({ name: 'CommandError', exitCode: 1 });
    expect(failed.message).toContain(
      `PostgreSQL at ${place} (LOOKUP_POSTGRES_URL) cannot be reached`,
    );
    expect(failed.message).toContain('ECONNREFUSED');
    expect(failed.message).not.toContain('secret');
  });
});
