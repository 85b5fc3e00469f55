// What is asked of the source to compare others with it, on both sources.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { idOf, madePhoto, Writer } from '../../test/service.ts';
import { openEmbedded } from '../source/embedded.ts';
import { migrate } from '../source/migrate.ts';
import { FIRST_PAGE } from '../source/people.ts';
import { openPostgresSession } from '../source/postgres.ts';
import type { SqlSession } from '../source/sql.ts';
import { readExpected, readExpectedAfter, readUnknown } from './expected.ts';
import { countAfter } from './source-state.ts';
import { allPeople, sampleOfPeople } from './sweeps.ts';

const PHOTO = madePhoto(1).id;

async function openPostgres() {
  const { url, drop } = await freshDatabase();
  const session = await openPostgresSession(url);
  return { session, close: () => session.close().then(drop) };
}

async function openPglite() {
  const embedded = await openEmbedded();
  return { session: embedded.session(), close: () => embedded.close() };
}

describe.each([
  ['PostgreSQL', openPostgres],
  ['the embedded source', openPglite],
])('%s', (_, open) => {
  let opened: { session: SqlSession; close(): Promise<void> };
  let session: SqlSession;

  beforeAll(async () => {
    opened = await open();
    session = opened.session;
    await migrate(session);
    const writer = new Writer(session);
    await writer.area(1);
    await writer.area(2, 'red');
    await writer.people(1, 50, [1]);
    await writer.person(3, 'yellow', [1, 2], PHOTO);
    await writer.person(4, 'yellow');
    await writer.erase(5);
  }, 30_000);

  afterAll(() => opened?.close());

  test('says who they are, what is answered, and when that was so', async () => {
    const before = Date.now();
    const [one, three, four, erased, nobody] = await readExpected(
      session,
      [1, 3, 4, 5, 99].map(idOf),
    );
    const version = expect.any(Number);
    expect(one).toMatchObject({ effective: 1, person: { color: 1, areas: [1], photo: undefined } });
    expect(three).toMatchObject({
      effective: 3,
      person: { subject: idOf(3), version, color: 2, areas: [1, 2], photo: PHOTO },
      floorVersions: expect.stringMatching(/^\d+,\d+$/),
    });
    expect(four).toMatchObject({ effective: 2, person: { areas: [] }, floorVersions: '' });
    expect(erased?.person).toEqual({ subject: idOf(5), version, erased: true });
    expect(nobody).toMatchObject({ subject: idOf(99), person: undefined, effective: undefined });
    expect(one?.epoch).toMatch(/-1$/);
    expect(Math.abs((one?.asOf ?? 0) - before)).toBeLessThan(5_000);
  });

  test('a floor that changes and changes back leaves another version', async () => {
    const writer = new Writer(session);
    const versions = async () => (await readExpected(session, [idOf(1)]))[0]?.floorVersions;
    const before = await versions();
    await writer.area(1, 'red');
    await writer.area(1, 'green');
    expect(await versions()).not.toBe(before);
  });

  test('pages meet everybody once, erased or not', async () => {
    const seen: string[] = [];
    for await (const page of allPeople(session, 7))
      seen.push(...page.map(({ subject }) => subject));
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => idOf(i + 1)));
    expect(await readExpectedAfter(session, FIRST_PAGE, 2)).toHaveLength(2);
    expect(await countAfter(session, FIRST_PAGE)).toBe(50);
    expect(await countAfter(session, '00000000-0000-0000-0000-000000000028')).toBe(10);
  });

  test('who is not there is told from who is', async () => {
    expect(await readUnknown(session, [1, 5, 77].map(idOf))).toEqual([idOf(77)]);
  });

  test('a sample is of different people, from all of a table or from blocks of it', async () => {
    for (const chosenOfAllMax of [1_000, 1]) {
      const sample = await sampleOfPeople(session, 20, chosenOfAllMax);
      expect(new Set(sample).size).toBe(20);
    }
  });
});
