import { expect, it } from 'vitest';
import { startOwnPostgres } from '../../test/database.ts';
import { migrate } from './migrate.ts';
import { openPostgresSession, PostgresSql } from './postgres.ts';
import { follower, idOf } from './source.contract.ts';

const insert = `insert into person (subject, color) values (lookup_subject($1), 'green')`;

it('a prepared transaction is delivered when it is committed, also after a restart of the source', async () => {
  const postgres = await startOwnPostgres({ max_prepared_transactions: '2' });
  const sql = new PostgresSql({
    url: postgres.url,
    poolMax: 1,
    connectTimeoutMs: 2_000,
    statementTimeoutMs: 5_000,
    applicationName: 'test',
  });
  const following = follower(sql);
  try {
    let session = await openPostgresSession(postgres.url);
    await migrate(session);
    await following.next();
    await session.exec('begin');
    await session.query(insert, [idOf(1)]);
    await session.exec(`prepare transaction 'one'`);
    await session.query(insert, [idOf(2)]);
    expect((await following.nextChanges()).people).toMatchObject([{ subject: idOf(2) }]);
    await session.close();
    await postgres.stop('fast');
    await postgres.start();
    session = await openPostgresSession(postgres.url);
    await session.exec(`commit prepared 'one'`);
    const batch = await following.nextChanges();
    expect(batch).toMatchObject({ joins: 'continues', people: [{ subject: idOf(1) }] });
    await session.close();
  } finally {
    await following.end();
    await sql.close();
    await postgres.discard();
  }
}, 60_000);
