// What an import must do, whichever PostgreSQL is behind it. Run by import.test.ts.

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  failureOf,
  HEADER,
  type ImportWorld,
  optionsOf,
  people,
  row,
} from '../../test/import-world.ts';
import { keptOutput } from '../../test/output.ts';
import { idOf } from '../../test/service.ts';
import { idToUuid } from '../health-code.ts';
import { importPeople } from './import.ts';

export function describeImport(open: () => Promise<ImportWorld>): void {
  let world: ImportWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => world.reset());

  describe('the first load', () => {
    test('costs one mark on the feed, and brings everybody', async () => {
      const rows = [row(1), row(2, 'yellow', '1|3', idOf(77)), row(3, 'red', '2')];
      const output = await world.run(rows);
      expect(await world.people()).toEqual(rows);
      expect(await world.outbox()).toEqual([{ kind: 'load', n: 1 }]);
      expect(output.value).toMatchObject({
        read: 3,
        people: 0,
        is_first_load: true,
        changes: 3,
        added: 3,
        changing: 0,
        changed: true,
        undo: null,
        mark: { source_epoch: expect.stringMatching(/^\d+-/) },
      });
      expect(await world.leftTables()).toBe(0);
    });

    test('says to a person what it does', async () => {
      const output = await world.run([row(1), row(2)], {}, keptOutput());
      expect(output.notes.map((note) => note.replace(/^.*people-\d+/, 'people'))).toEqual([
        'people.csv has 2 people; the source has 0.',
        'Nobody was there before: this is the first load, one transaction. Only "lookup erase" undoes it.',
        '  2 are new',
      ]);
      expect(output.lines).toEqual([
        expect.stringMatching(
          /people-\d+\.csv: 2 new, 0 changed, 0 as they were; written in \d+\.\d s$/,
        ),
        expect.stringMatching(/^mark {2}\{"source_epoch":/),
      ]);
      expect(output.asked).toEqual([]);
    });

    test('is not one when somebody was there, were they erased', async () => {
      await world.run([row(1)]);
      await world.session.exec('update person set erased_at = now(); delete from outbox');
      const output = await world.run([row(2)]);
      expect(output.value).toMatchObject({ is_first_load: false, added: 1 });
      expect(await world.outbox()).toEqual([{ kind: 'person', n: 1 }]);
    });

    test('of nobody changes nothing', async () => {
      const output = await world.run([]);
      expect(output.value).toMatchObject({ read: 0, changed: false });
      expect(await world.outbox()).toEqual([]);
    });
  });

  describe('a later import', () => {
    test('is ordinary changes, only of what differs, and never deletes', async () => {
      await world.run([row(1), row(2, 'green', '1|2'), row(3, 'green', '', idOf(70)), row(4)]);
      await world.session.exec('delete from outbox');
      const before = await world.versions();
      const output = await world.run([
        row(1),
        row(2, 'green', '2|1'),
        row(3, 'red', '', idOf(71)),
        row(5, 'yellow'),
      ]);
      expect(await world.people()).toEqual([
        row(1),
        row(2, 'green', '1|2'),
        row(3, 'red', '', idOf(71)),
        row(4),
        row(5, 'yellow'),
      ]);
      expect(await world.outbox()).toEqual([{ kind: 'person', n: 2 }]);
      const after = await world.versions();
      expect([1, 2, 3, 4].map((n) => after.get(idOf(n)) === before.get(idOf(n)))).toEqual([
        true,
        true,
        false,
        true,
      ]);
      expect(output.value).toMatchObject({
        read: 4,
        people: 4,
        is_first_load: false,
        changes: 2,
        added: 1,
        own_color: 1,
        areas: 0,
        photo: 1,
        photo_lost: 0,
        changing: 1,
        moves: [{ from: 'green', to: 'red', people: 1 }],
      });
    });

    test('run again changes nothing', async () => {
      const rows = [...people(20), row(30, 'red', '3|1', idOf(70))];
      await world.run(rows);
      await world.session.exec('delete from outbox');
      const before = await world.versions();
      const output = await world.run(rows, { yes: false }, keptOutput());
      expect(output.lines[0]).toMatch(/: all 21 people are as they were$/);
      expect(output.lines.join()).not.toContain('undo');
      expect(await world.versions()).toEqual(before);
      expect(await world.outbox()).toEqual([]);
    });

    test('counts whose answer changes, not whose row does: floors hold above', async () => {
      await world.run([
        row(1, 'green', '3'),
        row(2, 'green', '2'),
        row(3, 'red', '1'),
        row(4, 'green', '1'),
      ]);
      const output = await world.run([
        row(1, 'yellow', '3'),
        row(2, 'red', '2'),
        row(3, 'green', '2'),
        row(4, 'green', '3'),
      ]);
      expect(output.value).toMatchObject({
        own_color: 3,
        areas: 2,
        changing: 3,
        moves: [
          { from: 'green', to: 'red', people: 1 },
          { from: 'red', to: 'yellow', people: 1 },
          { from: 'yellow', to: 'red', people: 1 },
        ],
      });
    });

    test('asks when it changes the color of more than 5 % of all people', async () => {
      await world.run(people(100));
      const red = (count: number) => people(count, 'red');
      const five = keptOutput({ asJson: true });
      await world.run(red(5), { yes: false }, five);
      expect(five.asked).toEqual([]);
      const eleven = keptOutput({ answers: [false] });
      expect(await failureOf(world.run(red(11), { yes: false }, eleven))).toMatchObject({
        exitCode: 3,
      });
      expect(eleven.asked).toEqual(['Change the color of 6 people?']);
      expect((await world.people()).filter((person) => person.includes('red')).length).toBe(5);
      await world.run(red(11), { yes: false }, keptOutput({ asJson: true, answers: [true] }));
      expect((await world.people()).filter((person) => person.includes('red')).length).toBe(11);
    });

    test('does not ask for people who are new', async () => {
      await world.run(people(2));
      const output = await world.run(people(50), { yes: false });
      expect(output.asked).toEqual([]);
      expect(output.value).toMatchObject({ added: 48 });
    });

    test('is undone by the command that it prints', async () => {
      const before = [row(1, 'yellow', '1|2', idOf(70)), row(2, 'green', '3'), row(3)];
      await world.run(before);
      const undoFile = join(world.dir, "it's undo.csv");
      const output = await world.run(
        [row(1, 'red', '', idOf(71)), row(2, 'green', '3'), row(3, 'green', '1'), row(4), row(5)],
        { undoFile },
      );
      const quoted = `'${undoFile.replace("'", "'\\''")}`;
      expect(output.value.undo).toBe(
        `npx lookup import ${quoted}' && xargs -n 100 npx lookup erase --yes < ${quoted}.new'`,
      );
      expect(readFileSync(undoFile, 'utf8')).toBe(`${HEADER}\n${before[0]}\n${before[2]}\n`);
      expect(readFileSync(`${undoFile}.new`, 'utf8')).toBe(`${idOf(4)}\n${idOf(5)}\n`);
      expect(statSync(undoFile).mode & 0o777).toBe(0o600);
      await importPeople(world.session, optionsOf(undoFile), keptOutput());
      expect(await world.people()).toEqual([...before, row(4), row(5)]);
    });

    test('changes nothing when what undoes it has no place to go', async () => {
      await world.run(people(2));
      const undoFile = join(world.dir, 'taken.csv');
      writeFileSync(undoFile, 'precious');
      expect(await failureOf(world.run(people(2, 'red'), { undoFile }))).toEqual({
        message: `${undoFile} is there already, and what undoes this would go there (--undo FILE): nothing was changed`,
        exitCode: 2,
      });
      const nowhere = join(world.dir, 'no', 'such.csv');
      expect(await failureOf(world.run(people(2, 'red'), { undoFile: nowhere }))).toMatchObject({
        message: expect.stringContaining('cannot be made (ENOENT)'),
        exitCode: 2,
      });
      expect(readFileSync(undoFile, 'utf8')).toBe('precious');
      expect(await world.people()).toEqual(people(2));
    });

    test('only says what it would do with --dry-run', async () => {
      await world.run(people(3));
      await world.session.exec('delete from outbox');
      const undoFile = join(world.dir, 'dry.csv');
      const output = await world.run(people(4, 'red'), { dryRun: true, yes: false, undoFile });
      expect(output.value).toMatchObject({
        changes: 4,
        added: 1,
        changing: 3,
        changed: false,
        dry_run: true,
      });
      expect(await world.people()).toEqual(people(3));
      expect(await world.outbox()).toEqual([]);
      expect(() => statSync(undoFile)).toThrow('ENOENT');
      expect(await world.leftTables()).toBe(0);
    });

    test('brings erased people back only when told to', async () => {
      await world.run(people(3));
      await world.session.query('update person set erased_at = now() where subject = $1::uuid', [
        idToUuid(idOf(2)),
      ]);
      const refused = keptOutput();
      expect(await failureOf(world.run(people(3), {}, refused))).toMatchObject({ exitCode: 2 });
      expect(refused.notes).toEqual([
        expect.stringMatching(
          /csv:3:1: \S{22} was erased at \S+Z: --revive brings erased people back$/,
        ),
      ]);
      const undoFile = join(world.dir, 'revived.csv');
      const output = await world.run(people(3), { revive: true, undoFile });
      expect(output.value).toMatchObject({ revived: 1, changes: 1, changing: 0 });
      expect(await world.people()).toEqual(people(3));
      expect(output.value.undo).toBe(`xargs -n 100 npx lookup erase --yes < ${undoFile}.new`);
    });

    test('comes from standard input, as NDJSON if so told', async () => {
      await world.run(people(1));
      const stdin = Readable.from([
        Buffer.from(`{"subject":"${idOf(1)}","color":"red","areas":[1,2],"photo":"${idOf(70)}"}\n`),
        Buffer.from(`{"subject":"${idOf(2)}","color":"green","areas":[],"photo":null}`),
      ]);
      const undoFile = join(world.dir, 'from-stdin.csv');
      const options = optionsOf('-', { stdin, format: 'ndjson', undoFile });
      await importPeople(world.session, options, keptOutput());
      expect(await world.people()).toEqual([row(1, 'red', '1|2', idOf(70)), row(2)]);
    });
  });
}
