// A server that follows another, and takes its place: the outbox is read from neither before it is sure of its history.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startOwnPostgres } from '../../test/database.ts';
import type { OwnPostgres } from '../../test/own-postgres.ts';
import { systemClock } from '../clock.ts';
import type { Batch, Cursor } from '../feed/feed.ts';
import { OutboxFeed } from '../feed/outbox.ts';
import { noLog } from '../log.ts';
import { migrate } from './migrate.ts';
import { FIRST_PAGE, readPeople } from './people.ts';
import { openPostgresSession, PostgresSql } from './postgres.ts';
import { idOf } from './source.contract.ts';
import type { SqlSession } from './sql.ts';
import { OtherSourceError, SqlSource } from './sql-source.ts';

const OPTIONS = {
  feedPollMs: 5,
  feedTimeoutMs: 5_000,
  feedChunkRows: 1_000,
  feedChangesMax: 10_000,
  outboxRetentionMs: 3_600_000,
};
const never = new AbortController().signal;

let postgres: OwnPostgres;
let sql: PostgresSql;

beforeAll(async () => {
  postgres = await startOwnPostgres();
  sql = new PostgresSql({
    url: postgres.url,
    poolMax: 1,
    connectTimeoutMs: 2_000,
    statementTimeoutMs: 5_000,
    applicationName: 'test',
  });
}, 60_000);
afterAll(async () => {
  await sql?.close();
  await postgres?.discard();
});

const feed = () => new OutboxFeed(sql, OPTIONS, systemClock, noLog);

async function next(from?: Cursor): Promise<Batch> {
  const all: Batch[] = [];
  for await (const batch of feed().catchUp(from, never)) all.push(batch);
  return all.at(-1) as Batch;
}

async function inSession<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
  const session = await openPostgresSession(postgres.url);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const insert = (n: number) =>
  inSession((session) =>
    session.query(`insert into person (subject, color) values (lookup_subject($1), 'green')`, [
      idOf(n),
    ]),
  );

it('is read by nobody while it follows, and is another source once it leads', async () => {
  await inSession(migrate);
  await insert(1);
  const before = await next();
  await postgres.stop('fast');
  writeFileSync(join(postgres.dataDir, 'standby.signal'), '');
  await postgres.start();
  await expect(next(before.cursor)).rejects.toThrow('the source is a standby');
  await expect(readPeople(sql, FIRST_PAGE, 10)).rejects.toThrow('the source is a standby');
  const source = new SqlSource(sql, () => undefined);
  await expect(source.load([idOf(1)], never)).rejects.toThrow(OtherSourceError);
  await inSession((session) => session.query('select pg_promote()'));
  const after = await next(before.cursor);
  expect(after.joins).toBe('new-epoch');
  expect(after.epoch).not.toBe(before.epoch);
  // What was committed by whoever leads now is told, and versions go on above all that were seen.
  await insert(2);
  const change = (await next(after.cursor)).people[0];
  expect(change).toMatchObject({ subject: idOf(2) });
}, 60_000);
