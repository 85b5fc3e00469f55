import { existsSync } from 'node:fs';
import pg from 'pg';
import { expect, test } from 'vitest';
import { freshDatabase, type OwnPostgres, startOwnPostgres } from './database.ts';
import { until } from './wait.ts';

/** One statement on a connection of its own, given up after a second. */
async function ask(url: string, statement: string): Promise<unknown> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 1_000,
    query_timeout: 1_000,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query({ text: statement, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

const makeTable = (url: string) => ask(url, 'create table kept as select 7 as number');
const readTable = (url: string) => ask(url, 'select number from kept');

test('each database is empty, is its own, and is gone once dropped', async () => {
  const [one, two] = [await freshDatabase(), await freshDatabase()];
  await makeTable(one.url);
  expect(await readTable(one.url)).toBe(7);
  await expect(readTable(two.url)).rejects.toThrow('does not exist');

  const busy = new pg.Client({ connectionString: one.url });
  busy.on('error', () => {});
  await busy.connect();
  await one.drop();
  await two.drop();
  await expect(ask(one.url, 'select 1')).rejects.toThrow('does not exist');
  await busy.end();
});

test('the server listens on this machine only, and asks for the password', async () => {
  const { url, drop } = await freshDatabase();
  expect(await ask(url, 'show listen_addresses')).toBe('127.0.0.1');
  const wrong = new URL(url);
  wrong.password = 'guessed';
  await expect(ask(wrong.href, 'select 1')).rejects.toThrow('authentication failed');
  await drop();
});

test('a server of its own stops, is killed, hangs, and comes back with what it held', async () => {
  const postgres: OwnPostgres = await startOwnPostgres({ max_connections: '20' });
  expect(await ask(postgres.url, 'show max_connections')).toBe('20');
  await makeTable(postgres.url);
  for (const leave of [
    () => postgres.stop('fast'),
    () => postgres.stop('immediate'),
    () => postgres.kill9(),
  ]) {
    await leave();
    await expect(readTable(postgres.url)).rejects.toThrow('ECONNREFUSED');
    await postgres.start();
    expect(await readTable(postgres.url)).toBe(7);
  }

  const sitting = new pg.Client({ connectionString: postgres.url, query_timeout: 200 });
  sitting.on('error', () => {});
  await sitting.connect();
  postgres.pause();
  await expect(sitting.query('select 1')).rejects.toThrow('timeout');
  postgres.resume();
  await until(() => readTable(postgres.url), { what: 'it answers again' });
  await sitting.end();

  await postgres.stop('fast');
  const restored = await postgres.copy();
  expect(await readTable(restored.url)).toBe(7);
  expect(restored.url).not.toBe(postgres.url);
  await restored.discard();
  await postgres.discard();
  expect(existsSync(postgres.dataDir)).toBe(false);
});
