import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { migrate } from './migrate.ts';
import { FIRST_PAGE, PAGE, readPeople } from './people.ts';
import { openPostgresSession, PostgresSql } from './postgres.ts';
import { idOf } from './source.contract.ts';
import type { SqlSession } from './sql.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let session: SqlSession;
let sql: PostgresSql;

beforeAll(async () => {
  database = await freshDatabase();
  session = await openPostgresSession(database.url);
  sql = new PostgresSql({
    url: database.url,
    poolMax: 1,
    connectTimeoutMs: 2_000,
    statementTimeoutMs: 5_000,
    applicationName: 'test',
  });
  await migrate(session);
  await session.query(
    `insert into person (subject, color) select lookup_subject(id), 'yellow' from unnest($1::text[]) as id`,
    [Array.from({ length: 25 }, (_, n) => idOf(n + 1))],
  );
});
afterAll(async () => {
  await sql?.close();
  await session?.close();
  await database?.drop();
});

test('pages bring everyone once, and the last says that it is', async () => {
  const subjects: string[] = [];
  let pages = 0;
  for (let next: string | undefined = FIRST_PAGE; next !== undefined; pages++) {
    const page = await readPeople(sql, next, 10);
    subjects.push(...page.people.map(({ subject }) => subject));
    next = page.next;
  }
  expect(pages).toBe(3);
  expect(subjects.sort()).toEqual(Array.from({ length: 25 }, (_, n) => idOf(n + 1)).sort());
});

test('a page is read in the order of the index: nobody is sorted for it', async () => {
  await session.exec('set enable_seqscan = off; set plan_cache_mode = force_generic_plan');
  await session.exec(`prepare page (uuid, integer, uuid[]) as ${PAGE.text}`);
  const plan = await session.query<Record<string, string>>(
    `explain execute page ('${FIRST_PAGE}', 10, '{}')`,
  );
  const text = plan.map((row) => Object.values(row)[0]).join('\n');
  expect(text).toContain('Index Scan using person_pkey');
  expect(text).not.toContain('Sort');
});

test('a page says which of the tokens asked about are of its history', async () => {
  const [one] = await session.query<{ token: string }>(
    'insert into history_token default values returning token::text as token',
  );
  const token = one?.token as string;
  const other = '00000000-0000-4000-8000-000000000000';
  expect((await readPeople(sql, FIRST_PAGE, 0, [other, token])).tokens).toEqual([token]);
  expect(await readPeople(sql, FIRST_PAGE, 0, [other])).toMatchObject({ tokens: [], people: [] });
});
