// How an import is carried out: paced, stopped, cut off, and beside other writers. On a real PostgreSQL.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf, type ImportWorld, onPostgres, people, row } from '../../test/import-world.ts';
import { type KeptOutput, keptOutput } from '../../test/output.ts';
import { idOf, madePhoto } from '../../test/service.ts';
import { RED } from '../health-code.ts';
import { openPostgresSession, PostgresSql } from '../source/postgres.ts';
import { follower } from '../source/source.contract.ts';
import type { SqlSession } from '../source/sql.ts';
import { writeFirstLoad } from './import-write.ts';

let world: ImportWorld & { readonly url: string };
let other: SqlSession;
beforeAll(async () => {
  world = await onPostgres();
  other = await openPostgresSession(world.url);
});
afterAll(async () => {
  await other.close();
  await world.close();
});
beforeEach(() => world.reset());

const STOPPED = new Error('stopped by hand');

/** An output that stops the import, or does something else once, when so much of a phase is done. */
function outputAt(phase: string, done: number, what: () => void): KeptOutput {
  const output = keptOutput({ asJson: true });
  output.progress = (name) => ({
    update(now) {
      if (name === phase && now === done) what();
    },
    stop() {},
  });
  return output;
}

const reds = async () => (await world.people()).filter((text) => text.includes('red')).length;
const commits = async () =>
  Number(
    (
      await world.session.query<{ n: string }>(
        'select count(distinct xid)::text as n from outbox where kind = $1',
        ['person'],
      )
    )[0]?.n,
  );

describe('a later import', () => {
  test('goes no faster than its rate, a commit for a tenth of a second', async () => {
    await world.run(people(500));
    const begun = performance.now();
    await world.run(people(500, 'red'), { ratePerS: 1_000 });
    // The fifth chunk begins when four have had their time.
    expect(performance.now() - begun).toBeGreaterThan(400);
    expect(await commits()).toBe(5);
    expect(await reds()).toBe(500);
  });

  test('shows on the feed as ordinary changes, and a first load as its mark', async () => {
    const sql = new PostgresSql({
      url: world.url,
      poolMax: 1,
      connectTimeoutMs: 1_000,
      statementTimeoutMs: 5_000,
      applicationName: 'test-feed',
    });
    const following = follower(sql);
    await following.next();
    await world.run(people(3));
    expect(await following.nextChanges()).toMatchObject({ firstLoad: true, people: [] });
    await world.run([row(2, 'red', '1')]);
    expect(await following.nextChanges()).toMatchObject({
      firstLoad: false,
      people: [{ subject: idOf(2), color: RED, areas: [1] }],
    });
    await following.end();
    await sql.close();
  });

  test('that is stopped says how far it is, and run again does the rest', async () => {
    await world.run(people(50));
    const ending = new AbortController();
    const output = outputAt('people', 20, () => ending.abort(STOPPED));
    const undoFile = join(world.dir, 'stopped.csv');
    const how = { ratePerS: 100, signal: ending.signal, undoFile };
    const failure = await failureOf(world.run(people(50, 'red'), how, output));
    expect(failure.exitCode).toBe(4);
    expect(failure.message.replaceAll(/\S*people-\d+/g, 'people').split('\n')).toEqual([
      'stopped by hand',
      'people.csv: 20 of 50 people and 0 of 0 photos are done: run it again for the rest',
      `undo: npx lookup import ${undoFile}`,
    ]);
    expect(output.value).toMatchObject({ changed: true, people_done: 20 });
    expect(await reds()).toBe(20);
    expect(await world.leftTables()).toBe(0);
    const again = await world.run(people(50, 'red'));
    expect(again.value).toMatchObject({ changes: 30 });
    expect(await reds()).toBe(50);
  });

  test.each(['while it reads', 'while it asks', 'before its first chunk'])(
    'that is stopped %s changes nothing, and leaves nothing',
    async (when) => {
      await world.run(people(3));
      const ending = new AbortController();
      const output = keptOutput();
      const stop = () => ending.abort(STOPPED);
      output.ask = async () => {
        if (when === 'while it asks') stop();
        return true;
      };
      output.progress = (name) => {
        if (name === 'people' && when === 'before its first chunk') stop();
        return { update: when === 'while it reads' ? stop : () => {}, stop() {} };
      };
      const undoFile = join(world.dir, `${when.replaceAll(' ', '-')}.csv`);
      const how = { yes: false, signal: ending.signal, undoFile };
      expect((await failureOf(world.run(people(3, 'red'), how, output))).message).toBe(
        STOPPED.message,
      );
      expect(await reds()).toBe(0);
      expect(await world.leftTables()).toBe(0);
      expect(existsSync(undoFile)).toBe(false);
    },
  );

  test('whose connection breaks says how far it is', async () => {
    await world.run(people(50));
    const session = await openPostgresSession(world.url);
    const [backend] = await session.query<{ pid: string }>('select pg_backend_pid()::text as pid');
    let killed: Promise<unknown> | undefined;
    const output = outputAt('people', 20, () => {
      killed = other.query('select pg_terminate_backend($1::integer)', [Number(backend?.pid)]);
    });
    const run = world.run(people(50, 'red'), { ratePerS: 100 }, output, session);
    const failure = await failureOf(run);
    await killed;
    expect(failure).toMatchObject({
      exitCode: 4,
      message: expect.stringContaining(' of 50 people'),
    });
    const done = (output.value as { people_done: number }).people_done;
    expect(await reds()).toBeGreaterThanOrEqual(done);
    await session.close().catch(() => {});
  });

  test('leaves alone whom somebody else erases meanwhile', async () => {
    await world.run(people(3));
    const output = keptOutput({ asJson: true });
    output.ask = async () => {
      await world.session.exec(
        `update person set erased_at = now() where lookup_subject_text(subject) = '${idOf(2)}'`,
      );
      return true;
    };
    await world.run(people(3, 'red'), { yes: false }, output);
    expect(output.value).toMatchObject({ changes: 3, erased_meanwhile: 1 });
    expect(await reds()).toBe(2);
    expect((await world.people()).length).toBe(2);
  });
});

test('more people than one statement takes come all, and can all be brought back', async () => {
  const count = 50_002;
  await world.run(people(count));
  expect(await world.people()).toEqual(people(count));
  expect(await world.outbox()).toEqual([{ kind: 'load', n: 1 }]);
  const undoFile = join(world.dir, 'many.csv');
  await world.run(people(count + 1, 'red'), { undoFile });
  expect(await reds()).toBe(count + 1);
  expect(readFileSync(undoFile, 'utf8').trim().split('\n').slice(1)).toEqual(people(count));
  expect(readFileSync(`${undoFile}.new`, 'utf8')).toBe(`${idOf(count + 1)}\n`);
}, 60_000);

describe('the first load', () => {
  test('that is stopped leaves nobody', async () => {
    const ending = new AbortController();
    const output = outputAt('people', 10, () => ending.abort(STOPPED));
    const run = world.run(people(10), { signal: ending.signal }, output);
    expect(await failureOf(run)).toEqual({ message: STOPPED.message, exitCode: undefined });
    expect(await world.people()).toEqual([]);
    expect(await world.outbox()).toEqual([]);
  });

  test('is refused when somebody else was faster', async () => {
    await world.run(people(1));
    const options = {
      planned: 'nothing',
      changes: 0,
      signal: new AbortController().signal,
      onDone() {},
    };
    expect(await failureOf(writeFirstLoad(world.session, options))).toEqual({
      message: 'somebody else has added people meanwhile: nothing was changed; run it again',
      exitCode: 1,
    });
  });
});

describe('photos', () => {
  const made = (count: number) => {
    const photosDir = join(world.dir, `photos-${count}`);
    mkdirSync(photosDir);
    for (let n = 1; n <= count; n++) writeFileSync(join(photosDir, `${n}.png`), madePhoto(n).bytes);
    return {
      photosDir,
      rows: Array.from({ length: count }, (_, i) => row(i + 1, 'green', '', `${i + 1}.png`)),
    };
  };

  test('that are there stay when the people are stopped, which is told', async () => {
    const { photosDir, rows } = made(70);
    const ending = new AbortController();
    const output = outputAt('photos', 64, () => ending.abort(STOPPED));
    expect(await failureOf(world.run(rows, { photosDir, signal: ending.signal }, output))).toEqual({
      message: expect.stringMatching(
        /: 0 of 70 people and 64 of 70 photos are done: run it again for the rest$/,
      ),
      exitCode: 4,
    });
    expect(await world.people()).toEqual([]);
    expect((await world.run(rows, { photosDir })).value).toMatchObject({
      new_photos: 6,
      changes: 70,
    });
  });

  test('that change while they are imported are not taken for what was checked', async () => {
    const { photosDir, rows } = made(1);
    const output = keptOutput();
    output.note = () => writeFileSync(join(photosDir, '1.png'), madePhoto(99).bytes);
    expect(await failureOf(world.run(rows, { photosDir }, output))).toEqual({
      message: `${join(photosDir, '1.png')} was changed while it was imported: run it again`,
      exitCode: 1,
    });
    expect(await world.people()).toEqual([]);
  });
});
