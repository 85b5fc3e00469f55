// What the commands that show and change people do, on a real PostgreSQL.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { keptOutput } from '../../test/output.ts';
import { idOf, madePhoto, Writer } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { idToUuid } from '../health-code.ts';
import { migrate } from '../source/migrate.ts';
import { openPostgresSession } from '../source/postgres.ts';
import type { SqlSession } from '../source/sql.ts';
import { erase } from './erase.ts';
import { get } from './get.ts';
import { readMark } from './mark.ts';
import { findPerson } from './person.ts';
import { setArea } from './set-area.ts';
import { setColor } from './set-color.ts';
import { newPhotoOf, setPhoto } from './set-photo.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let session: SqlSession;
let other: SqlSession;
let writer: Writer;
let dir: string;
/** Persons are never deleted: each test takes numbers of its own. */
let next = 1;
let a: string;
let b: string;

const OUTBOX_MS = 3_600_000;
const A_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lookup-people-'));
  database = await freshDatabase();
  session = await openPostgresSession(database.url);
  other = await openPostgresSession(database.url);
  await migrate(session);
  writer = new Writer(session);
  await writer.area(1);
  await writer.area(2);
});

afterAll(async () => {
  await session?.close();
  await other?.close();
  await database?.drop();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  await session.query("update area set floor = 'green'");
  a = idOf(next);
  b = idOf(next + 1);
  await writer.person(next, 'green', [1]);
  await writer.person(next + 1, 'yellow', [1, 2]);
  next += 2;
});

const find = (subject: string) => findPerson(session, subject, { lock: false });
const outboxRows = async () =>
  Number((await session.query<{ n: string }>('select count(*)::text as n from outbox'))[0]?.n);

describe('set-color', () => {
  test('says what was and what is, with a mark, and the command that undoes it', async () => {
    const output = keptOutput();
    await setColor(session, { subject: a, color: 'red' }, output);
    expect(output.lines).toEqual([
      `${a}: own color green -> red, answered green -> red`,
      expect.stringMatching(/^mark {2}\{"source_epoch":"\d+-\d+-1","as_of":".*Z"\}$/),
      `undo  npx lookup set-color ${a} green`,
    ]);
    expect(await find(a)).toMatchObject({ color: 'red', effective: 'red' });
  });

  test('tells a mark that is later than its commit and not of the future', async () => {
    const before = await readMark(session);
    const output = keptOutput({ asJson: true });
    await setColor(session, { subject: a, color: 'red' }, output);
    const { mark } = output.value as { mark: { as_of: string; source_epoch: string } };
    const after = await readMark(session);
    expect(mark.as_of).toMatch(A_TIME);
    expect(mark.source_epoch).toBe(before.source_epoch);
    expect(before.as_of < mark.as_of && mark.as_of < after.as_of).toBe(true);
  });

  test('says when an area holds the answer above it', async () => {
    await writer.area(1, 'red');
    const output = keptOutput({ asJson: true });
    await setColor(session, { subject: a, color: 'yellow' }, output);
    expect(output.value).toMatchObject({
      subject: a,
      color: { before: 'green', after: 'yellow' },
      effective: { before: 'red', after: 'red' },
      changed: true,
      undo: `npx lookup set-color ${a} green`,
    });
  });

  test('changes nothing when it is so already: no version, no row on the feed', async () => {
    const rows = await outboxRows();
    const output = keptOutput({ asJson: true });
    await setColor(session, { subject: b, color: 'yellow' }, output);
    expect(output.value).toMatchObject({ changed: false, undo: null });
    expect(await outboxRows()).toBe(rows);
  });

  test('refuses who is not there, and who is erased', async () => {
    await writer.erase(next - 2);
    for (const [subject, why] of [
      [idOf(999_999), 'no such person'],
      [a, 'was erased at'],
    ] as const) {
      const refused = setColor(session, { subject, color: 'red' }, keptOutput());
      await expect(refused).rejects.toThrow(why);
      await expect(refused).rejects.toMatchObject({ name: 'CommandError', exitCode: 2 });
    }
  });
});

describe('set-area', () => {
  const all = { area: 1, yes: false, dryRun: false } as const;
  const floor = async (id: number) =>
    (
      await session.query<{ floor: string }>(
        'select floor::text as floor from area where id = $1',
        [id],
      )
    )[0]?.floor;

  /** A population of its own in an area of its own, so that the shares are known. */
  const populate = async (area: number, people: number) => {
    await writer.area(area);
    await writer.people(area * 1_000, people, [area]);
    return area;
  };

  test('says who changes by what they are answered, asks above 5 %, and does nothing on a no', async () => {
    const area = await populate(20, 50);
    await writer.person(20_000, 'red', [area]);
    await writer.person(20_001, 'green', [area, 2]);
    await writer.area(2, 'yellow');
    const output = keptOutput({ answers: [false] });
    const refused = setArea(session, { ...all, area, color: 'yellow' }, output);
    await expect(refused).rejects.toMatchObject({ exitCode: 3 });
    expect(output.asked).toEqual(['Change the color of 48 people?']);
    expect(output.notes).toEqual([
      expect.stringMatching(/^area 20 made, floor green, has 50 of [\d,]+ people\.$/),
      expect.stringMatching(/^With floor yellow, 48 of them \(\d+ % of all\) change color:$/),
      '  green -> yellow: 48',
    ]);
    expect(await floor(area)).toBe('green');
  });

  test('takes yes for an answer, from a person or from --yes, and tells how to undo it', async () => {
    const area = await populate(21, 40);
    const output = keptOutput({ answers: [true] });
    await setArea(session, { ...all, area, color: 'red' }, output);
    expect(output.lines).toEqual([
      'area 21 made: floor green -> red; 40 change color',
      expect.stringMatching(/^mark/),
      'undo  npx lookup set-area 21 green',
    ]);
    const again = keptOutput({ asJson: true });
    await setArea(session, { ...all, area, color: 'yellow', yes: true }, again);
    expect(again.asked).toEqual([]);
    expect(again.value).toMatchObject({
      area,
      floor: { before: 'red', after: 'yellow' },
      tied: 40,
      changing: 40,
      moves: [{ from: 'red', to: 'yellow', people: 40 }],
      changed: true,
    });
    expect(await floor(area)).toBe('yellow');
  });

  test('asks nobody at 5 % and below; erased people count nowhere', async () => {
    const [row] = await session.query<{ n: string }>(
      'select count(*)::text as n from person where erased_at is null',
    );
    // Of all that are then there, these are one in twenty or just less.
    const count = Math.floor(Number(row?.n) / 19);
    const area = await populate(22, count);
    await writer.person(23_999, 'green', [area]);
    await writer.erase(23_999);
    const output = keptOutput({ asJson: true });
    await setArea(session, { ...all, area, color: 'red' }, output);
    expect(output.asked).toEqual([]);
    expect(output.value).toMatchObject({ changing: count, people: Number(row?.n) + count });
  });

  test('with --dry-run says it and leaves it', async () => {
    const area = await populate(24, 10);
    const rows = await outboxRows();
    const output = keptOutput({ asJson: true });
    await setArea(session, { ...all, area, color: 'red', dryRun: true }, output);
    expect(output.value).toMatchObject({ changing: 10, changed: false, dry_run: true });
    expect(await floor(area)).toBe('green');
    expect(await outboxRows()).toBe(rows);
  });

  test('does not write over what somebody else set after it was counted', async () => {
    const area = await populate(25, 400);
    const output = keptOutput();
    output.ask = async () => {
      await other.query("update area set floor = 'red' where id = 25");
      return true;
    };
    const refused = setArea(session, { ...all, area, color: 'yellow' }, output);
    await expect(refused).rejects.toThrow('was set to red by somebody else');
    expect(await floor(area)).toBe('red');
  });

  test('refuses an area that is not there', async () => {
    const refused = setArea(session, { ...all, area: 77, color: 'red' }, keptOutput());
    await expect(refused).rejects.toMatchObject({ exitCode: 2 });
    await expect(refused).rejects.toThrow('no such area');
  });
});

describe('set-photo', () => {
  const file = (name: string, bytes: Buffer) => {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    return path;
  };
  const one = madePhoto(1);
  const two = madePhoto(2);

  test('keeps the photo before, so that it can be undone as it says', async () => {
    await setPhoto(
      session,
      { subject: a, photo: { file: file('1.png', one.bytes) } },
      keptOutput(),
    );
    const output = keptOutput();
    await setPhoto(session, { subject: a, photo: { file: file('2.png', two.bytes) } }, output);
    expect(output.lines[0]).toBe(`${a}: photo ${one.id} -> ${two.id}`);
    expect(output.lines[2]).toBe(`undo  npx lookup set-photo ${a} --id ${one.id}`);
    expect(await find(a)).toMatchObject({ photo: { id: two.id, mime: 'image/png', bytes: 400 } });
    await setPhoto(session, { subject: a, photo: { id: one.id } }, keptOutput());
    expect((await find(a))?.photo?.id).toBe(one.id);
    const none = keptOutput({ asJson: true });
    await setPhoto(session, { subject: a, photo: { none: true } }, none);
    expect(none.value).toMatchObject({ photo: { before: one.id, after: null }, changed: true });
    expect((await find(a))?.photo).toBeUndefined();
  });

  test.each([
    ['empty', Buffer.alloc(0), 'is empty'],
    ['large', madePhoto(3, 200_001).bytes, 'is too large: a photo has at most 200,000 bytes'],
    ['text', Buffer.from('no picture at all'), 'is neither JPEG, PNG nor WebP, by its first bytes'],
    ['half.webp', Buffer.from('RIFF....WAVE'), 'is neither JPEG, PNG nor WebP, by its first bytes'],
  ])('refuses a file that is %s before it asks the source', async (name, bytes, why) => {
    const path = file(name, bytes);
    const refused = setPhoto(session, { subject: a, photo: { file: path } }, keptOutput());
    await expect(refused).rejects.toThrow(`${path}: ${why}`);
    await expect(refused).rejects.toMatchObject({ exitCode: 2 });
  });

  test('takes every kind that the source takes, up to its last byte', async () => {
    const padded = (head: string) => {
      const bytes = Buffer.alloc(200_000, 7);
      Buffer.from(head, 'latin1').copy(bytes);
      return bytes;
    };
    for (const [mime, head] of [
      ['image/jpeg', '\xff\xd8\xff'],
      ['image/webp', 'RIFF....WEBP'],
    ] as const) {
      const photo = { file: file('kind', padded(head)) };
      await setPhoto(session, { subject: a, photo }, keptOutput());
      expect((await find(a))?.photo).toMatchObject({ mime, bytes: 200_000 });
    }
  });

  test('refuses a file and an id that are not there, and more or less than one photo', async () => {
    const gone = { file: join(dir, 'gone') };
    const refused = setPhoto(session, { subject: a, photo: gone }, keptOutput());
    await expect(refused).rejects.toThrow('cannot be read (ENOENT)');
    const unknown = { id: madePhoto(99).id };
    const lacking = setPhoto(session, { subject: a, photo: unknown }, keptOutput());
    await expect(lacking).rejects.toThrow('no such photo');
    expect(() => newPhotoOf(undefined, {})).toThrow('which photo?');
    expect(() => newPhotoOf('x', { none: true })).toThrow('which photo?');
    expect(newPhotoOf('x', {})).toEqual({ file: 'x' });
  });
});

describe('erase', () => {
  const photoThere = async (id: string) =>
    (await session.query('select 1 from photo where id = $1::uuid', [idToUuid(id)])).length === 1;
  const options = { yes: true, outboxRetentionMs: OUTBOX_MS };

  test('takes the photo along when nobody else has it, also one that was replaced', async () => {
    const shared = madePhoto(40);
    const own = madePhoto(41);
    const replaced = madePhoto(42);
    for (const photo of [shared, own, replaced]) await writer.photo(photo);
    for (const id of [replaced.id, own.id])
      await setPhoto(session, { subject: a, photo: { id } }, keptOutput());
    await setPhoto(session, { subject: b, photo: { id: shared.id } }, keptOutput());
    await writer.person(40_000, 'green', [], shared.id);
    const output = keptOutput({ asJson: true });
    await erase(session, { ...options, subjects: [a, b, a] }, output);
    expect(output.value).toMatchObject({
      erased: expect.arrayContaining([
        { subject: a, already: false },
        { subject: b, already: false },
      ]),
      photos_deleted: [own.id, replaced.id].sort(),
      changed: true,
      undo: null,
    });
    expect(output.notes.join()).toContain('3,600 s more (LOOKUP_OUTBOX_RETENTION_MS)');
    expect(await find(a)).toMatchObject({ color: undefined, areas: [], photo: undefined });
    expect(await photoThere(own.id)).toBe(false);
    expect(await photoThere(replaced.id)).toBe(false);
    expect(await photoThere(shared.id)).toBe(true);
  });

  test('leaves a photo to whoever is being given it just now', async () => {
    const photo = madePhoto(43);
    await writer.photo(photo);
    await setPhoto(session, { subject: a, photo: { id: photo.id } }, keptOutput());
    const path = join(dir, '43.png');
    writeFileSync(path, photo.bytes);
    let commit = () => {};
    const mayCommit = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let isGiven = false;
    const slow: SqlSession = {
      ...other,
      transaction: (work) =>
        other.transaction(async () => {
          const result = await work();
          isGiven = true;
          await mayCommit;
          return result;
        }),
    };
    const giving = setPhoto(slow, { subject: b, photo: { file: path } }, keptOutput());
    await until(() => isGiven, { what: 'the photo is given, and not committed' });
    const output = keptOutput({ asJson: true });
    const erasing = erase(session, { ...options, subjects: [a] }, output);
    const watcher = await openPostgresSession(database.url);
    try {
      await until(
        async () =>
          (
            await watcher.query(
              `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
            )
          ).length > 0,
        { what: 'the erasure waits for the photo' },
      );
    } finally {
      await watcher.close();
      commit();
    }
    await Promise.all([giving, erasing]);
    expect(output.value).toMatchObject({ photos_deleted: [] });
    expect((await find(b))?.photo).toMatchObject({ id: photo.id, bytes: 400 });
  });

  test('erases nobody when one is not there, or the answer is no', async () => {
    const unknown = idOf(888_888);
    const refused = erase(session, { ...options, subjects: [a, unknown] }, keptOutput());
    await expect(refused).rejects.toThrow(`no such person in the source: ${unknown}`);
    const output = keptOutput({ answers: [false] });
    const declined = erase(session, { ...options, yes: false, subjects: [a] }, output);
    await expect(declined).rejects.toMatchObject({ exitCode: 3 });
    expect(output.asked).toEqual([`Erase ${a} for good? This cannot be undone.`]);
    expect((await find(a))?.color).toBe('green');
  });

  test('says so when it was done before', async () => {
    await erase(session, { ...options, subjects: [a] }, keptOutput());
    const rows = await outboxRows();
    const output = keptOutput();
    await erase(session, { ...options, subjects: [a] }, output);
    expect(output.lines[0]).toBe(`${a}: was erased before`);
    expect(await outboxRows()).toBe(rows);
  });
});

describe('get', () => {
  test('shows the own color, the areas with their floors, and what is answered', async () => {
    await writer.area(2, 'red');
    const photo = madePhoto(60);
    await setPhoto(session, { subject: a, photo: { none: true } }, keptOutput());
    await writer.person(next - 1, 'yellow', [1, 2], photo.id);
    const output = keptOutput();
    await get(session, { subject: b }, output);
    expect(output.lines).toEqual([
      `subject   ${b}`,
      'answered  red',
      'own       yellow',
      'areas     1 made: floor green',
      '          2 made: floor red',
      `photo     ${photo.id}: its bytes are not in the source (yet)`,
      expect.stringMatching(/^version {3}\d+$/),
    ]);
    const none = keptOutput({ asJson: true });
    await get(session, { subject: a }, none);
    expect(none.value).toEqual({
      subject: a,
      erased_at: null,
      effective: 'green',
      color: 'green',
      areas: [{ id: 1, name: 'made', floor: 'green' }],
      photo: null,
      version: expect.any(Number),
    });
  });

  test('shows that a person is erased, and refuses who never was there', async () => {
    await writer.erase(next - 2);
    const output = keptOutput({ asJson: true });
    await get(session, { subject: a }, output);
    expect(output.value).toMatchObject({ effective: null, color: null, areas: [] });
    expect(output.value.erased_at).toMatch(/^\d{4}-.*Z$/);
    const unknown = get(session, { subject: idOf(777_777) }, keptOutput());
    await expect(unknown).rejects.toMatchObject({ exitCode: 2 });
  });
});
