import { describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { POLL } from '../feed/outbox-sql.ts';
import { migrate } from './migrate.ts';
import { openPostgresSession, PostgresSql } from './postgres.ts';
import { describeSource, follower, idOf } from './source.contract.ts';
import type { SqlSession } from './sql.ts';

const POOL = {
  poolMax: 2,
  connectTimeoutMs: 2_000,
  statementTimeoutMs: 5_000,
  applicationName: 'test',
};

describe('PostgreSQL as the source', () => {
  describeSource(async () => {
    const database = await freshDatabase();
    const sql = new PostgresSql({ ...POOL, url: database.url });
    const session = await openPostgresSession(database.url);
    return {
      sql,
      session,
      async close() {
        await session.close();
        await sql.close();
        await database.drop();
      },
    };
  });
});

async function withTwoWriters(
  work: (
    a: Awaited<ReturnType<typeof openPostgresSession>>,
    b: typeof a,
    sql: PostgresSql,
  ) => Promise<void>,
) {
  const database = await freshDatabase();
  const sql = new PostgresSql({ ...POOL, url: database.url });
  const a = await openPostgresSession(database.url);
  const b = await openPostgresSession(database.url);
  try {
    await migrate(a);
    await work(a, b, sql);
  } finally {
    await Promise.all([a.close(), b.close()]);
    await sql.close();
    await database.drop();
  }
}

const insert = `insert into person (subject, color) values (lookup_subject($1), 'green')`;

describe('versions', () => {
  const versionOf = async (session: SqlSession, n: number) => {
    const [row] = await session.query<{ version: string }>(
      'select version::text as version from person where subject = lookup_subject($1)',
      [idOf(n)],
    );
    return Number(row?.version);
  };
  const update = `update person set color = $2::code_color where subject = lookup_subject($1)`;

  it('of a person grow in the order of their commits, whichever session writes', async () => {
    await withTwoWriters(async (a, b) => {
      await a.query(insert, [idOf(1)]);
      let last = await versionOf(a, 1);
      for (let i = 0; i < 12; i++) {
        await (i % 2 === 0 ? a : b).query(update, [idOf(1), i % 2 === 0 ? 'red' : 'yellow']);
        const version = await versionOf(a, 1);
        expect(version).toBeGreaterThan(last);
        last = version;
      }
    });
  });

  it('are higher for an insert that waited for another of the same person', async () => {
    await withTwoWriters(async (a, b) => {
      await a.exec('begin');
      await a.query(insert, [idOf(1)]);
      // Its version is taken before it finds that it must wait.
      const waiting = b.query(
        `${insert} on conflict (subject) do update set color = 'red', erased_at = null`,
        [idOf(1)],
      );
      await a.query(update, [idOf(1), 'yellow']);
      await a.query('update person set erased_at = now() where subject = lookup_subject($1)', [
        idOf(1),
      ]);
      const erased = await versionOf(a, 1);
      await a.exec('commit');
      await waiting;
      expect(await versionOf(a, 1)).toBeGreaterThan(erased);
    });
  });
});

describe('a writer cannot leave out what the feed needs', () => {
  it('by asynchronous commits: its transaction is durable', async () => {
    await withTwoWriters(async (a) => {
      await a.exec('set synchronous_commit = off; begin');
      await a.query(insert, [idOf(1)]);
      const [inside] = await a.query<{ synchronous_commit: string }>('show synchronous_commit');
      expect(inside?.synchronous_commit).toBe('on');
      await a.exec('commit');
    });
  });

  it('by switching triggers off for its session', async () => {
    await withTwoWriters(async (a) => {
      await a.exec('set session_replication_role = replica');
      await a.query(insert, [idOf(1)]);
      expect(await a.query('select from outbox')).toHaveLength(1);
    });
  });
});

it('a poll behind an open transaction reads only what is new to it', async () => {
  await withTwoWriters(async (a, b) => {
    await a.exec('begin');
    await a.query(insert, [idOf(1)]);
    await b.exec(
      `insert into person (subject, color) select gen_random_uuid(), 'green' from generate_series(1, 20000);
       analyze outbox`,
    );
    const [seen] = await b.query<{ now: string }>('select pg_current_snapshot()::text as now');
    await b.query(insert, [idOf(2)]);
    await b.exec(
      `prepare poll (uuid, pg_snapshot, pg_snapshot, xid8, bigint, integer) as ${POLL.text}`,
    );
    const plan = await b.query<Record<string, string>>(
      `explain (analyze, costs off, timing off, summary off)
         execute poll (null, '${seen?.now}', null, '0', 0, 1000)`,
    );
    const lines = plan.map((row) => Object.values(row)[0] as string);
    const scans = lines.filter((line) => / on outbox( |$)/.test(line));
    expect(scans.length).toBeGreaterThan(0);
    for (const line of scans) expect(line).toContain('Index Scan');
    // Neither looked at nor thrown away.
    const counts = [...scans, ...lines.filter((line) => line.includes('Rows Removed'))].map(
      (line) => Number(/(?:rows=|Filter: )(\d+)/.exec(line)?.[1] ?? 0),
    );
    expect(Math.max(...counts)).toBeLessThan(10);
    await a.exec('rollback');
  });
});

describe('the outbox under concurrent writers', () => {
  it('delivers a later commit at once while an earlier transaction is open, and that one when it commits', async () => {
    await withTwoWriters(async (a, b, sql) => {
      const following = follower(sql);
      await following.next();
      await a.exec('begin');
      await a.query(insert, [idOf(1)]);
      await b.query(insert, [idOf(2)]);
      expect((await following.nextChanges()).people).toMatchObject([{ subject: idOf(2) }]);
      await a.exec('commit');
      expect((await following.nextChanges()).people).toMatchObject([{ subject: idOf(1) }]);
      await following.end();
    });
  });

  it('never delivers what was rolled back, nor savepoints that were', async () => {
    await withTwoWriters(async (a, b, sql) => {
      const following = follower(sql);
      await following.next();
      await a.exec('begin');
      await a.query(insert, [idOf(1)]);
      await a.exec('savepoint s');
      await a.query(insert, [idOf(2)]);
      await a.exec('rollback to savepoint s');
      await a.exec('commit');
      await b.exec('begin');
      await b.query(insert, [idOf(3)]);
      await b.exec('rollback');
      await b.query(insert, [idOf(4)]);
      const seen: string[] = [];
      while (!seen.includes(idOf(4)))
        seen.push(...(await following.nextChanges()).people.map((change) => change.subject));
      expect(seen.sort()).toEqual([idOf(1), idOf(4)].sort());
      await following.end();
    });
  });

  it('counts resolved time only up to before what it has not seen', async () => {
    await withTwoWriters(async (a, _, sql) => {
      const following = follower(sql);
      await following.next();
      for (let n = 0; n < 20; n++) {
        await a.query(insert, [idOf(100 + n)]);
        const [row] = await a.query<{ ms: string }>(
          'select floor(extract(epoch from now()) * 1000)::text as ms',
        );
        const seen: string[] = [];
        let resolved = 0;
        while (resolved < Number(row?.ms)) {
          const batch = await following.next();
          seen.push(...batch.people.map((change) => change.subject));
          resolved = batch.resolved;
        }
        // A mark that was read after the commit is reached: so the change is here.
        expect(seen).toContain(idOf(100 + n));
      }
      await following.end();
    });
  });

  it('loses none and doubles none of many writers, one of them always inside a long transaction', async () => {
    await withTwoWriters(async (a, b, sql) => {
      const following = follower(sql, { feedChunkRows: 16 });
      await following.next();
      const seen = new Map<string, number>();
      let last = 0;
      const writing = (async () => {
        let n = 1_000;
        for (let round = 0; round < 8; round++) {
          await a.exec('begin');
          for (let i = 0; i < 25; i++) {
            await a.query(insert, [idOf(n++)]);
            await b.query(insert, [idOf(n++)]);
          }
          await a.exec('commit');
        }
        last = n - 1_000;
      })();
      while (last === 0 || seen.size < last) {
        for (const change of (await following.next()).people)
          seen.set(change.subject, (seen.get(change.subject) ?? 0) + 1);
      }
      await writing;
      expect(seen.size).toBe(400);
      expect([...seen.values()].every((times) => times === 1)).toBe(true);
      await following.end();
    });
  });
});
