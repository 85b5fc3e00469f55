// What an import must refuse, and what it makes of files, whichever PostgreSQL is behind it. Run by import.test.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf, type ImportWorld, row } from '../../test/import-world.ts';
import { keptOutput } from '../../test/output.ts';
import { idOf, madePhoto } from '../../test/service.ts';

export function describeImportFiles(open: () => Promise<ImportWorld>): void {
  let world: ImportWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => world.reset());

  describe('all or nothing', () => {
    test('each fault is told with its line and column, and nothing is changed', async () => {
      await world.run([row(1)]);
      await world.session.exec('delete from outbox');
      const output = keptOutput();
      const rows = [
        row(1, 'red'),
        `${idOf(2).slice(0, 21)},green,,`,
        row(3, 'blue'),
        row(4, 'green', '1|4'),
        row(5, 'green', '1|x'),
        row(6, 'green', '1|1'),
        row(7, 'green', '1|1|1|1|1|1|1|1|1'),
        row(8, 'green', '01'),
        row(9, 'green', '1', 'me.jpg'),
        row(1),
        `"nobody",Red,"1,2",`,
        row(10),
        row(10),
        row(10),
        'too,few',
      ];
      expect(await failureOf(world.run(rows, {}, output))).toEqual({
        message: expect.stringMatching(/people-\d+\.csv has 14 errors: nothing was changed$/),
        exitCode: 2,
      });
      const id = '22 characters of base64url, the last one A, Q, g or w';
      expect(output.notes.map((note) => note.replace(/^.*\.csv:/, ''))).toEqual([
        `3:1: "${idOf(2).slice(0, 21)}": a subject is ${id}`,
        '4:24: "blue": a color is green, yellow or red',
        '5:30: there is no area 4 in the source',
        '6:30: "1|x": areas are whole numbers from 1 on, joined by "|"',
        '7:30: "1|1": an area twice',
        '8:30: "1|1|1|1|1|1|1|1|1": 9 areas, and a person has at most 8',
        '9:30: "01": areas are whole numbers from 1 on, joined by "|"',
        `10:32: "me.jpg": a photo is empty or an id (${id}); with --photos DIR, the name of a file there`,
        `11:1: ${idOf(1)} is in line 2 already`,
        `12:1: "nobody": a subject is ${id}`,
        '12:10: "Red": a color is green, yellow or red',
        '12:14: "1,2": areas are whole numbers from 1 on, joined by "|"',
        `14:1: ${idOf(10)} is in line 13 already (and in 15)`,
        '16:8: 2 fields and not 4 (subject,color,areas,photo)',
      ]);
      expect(await world.people()).toEqual([row(1)]);
      expect(await world.outbox()).toEqual([]);
      expect(await world.leftTables()).toBe(0);
    });

    test('up to so many of them, and then how many more', async () => {
      const rows = [
        ...Array.from({ length: 150 }, (_, i) => row(i + 1, 'pink')),
        row(200),
        row(200),
      ];
      const output = keptOutput({ asJson: true });
      expect(await failureOf(world.run(rows, { errorsMax: 3 }, output))).toMatchObject({
        message: expect.stringContaining('151 errors'),
      });
      expect(output.notes.map((note) => note.replace(/^.*\.csv:/, ''))).toEqual([
        expect.stringMatching(/^2:24: /),
        expect.stringMatching(/^3:24: /),
        expect.stringMatching(/^4:24: /),
        'and 148 more',
      ]);
      expect(output.value).toMatchObject({
        changed: false,
        error_count: 151,
        errors: [{ line: 2, column: 24 }, {}, {}],
      });
    });

    test('any file of random people is what the source has afterwards', async () => {
      const made = fc.record({
        n: fc.nat(40),
        color: fc.constantFrom('green', 'yellow', 'red'),
        areas: fc.uniqueArray(fc.integer({ min: 1, max: 3 })),
        photo: fc.option(fc.nat(3)),
      });
      const files = fc.array(fc.uniqueArray(made, { selector: ({ n }) => n }), {
        minLength: 1,
        maxLength: 3,
      });
      await fc.assert(
        fc.asyncProperty(files, async (files) => {
          await world.reset();
          const truth = new Map<number, string>();
          for (const file of files) {
            const rows = file.map(({ n, color, areas, photo }) => {
              const sorted = [...areas].sort().join('|');
              return [n, row(n, color, sorted, photo === null ? '' : idOf(70 + photo))] as const;
            });
            for (const [n, text] of rows) truth.set(n, text);
            await world.run(rows.map(([, text]) => text));
            const all = [...truth].sort(([a], [b]) => a - b).map(([, text]) => text);
            expect(await world.people()).toEqual(all);
          }
        }),
        { numRuns: 15 },
      );
    });
  });

  describe('photos', () => {
    const photosIn = async () =>
      (
        await world.session.query<{ id: string }>(
          'select lookup_subject_text(id) as id from photo order by octet_length(bytes), id',
        )
      ).map(({ id }) => id);
    const folder = (name: string) => {
      const dir = join(world.dir, name);
      mkdirSync(join(dir, 'below'), { recursive: true });
      return dir;
    };

    test('come from the files of a folder, once each, and before the people', async () => {
      const photosDir = folder('photos');
      const [a, b] = [madePhoto(1, 400), madePhoto(2, 200_000)];
      writeFileSync(join(photosDir, 'a.png'), a.bytes);
      writeFileSync(join(photosDir, 'below', 'b, "the second".png'), b.bytes);
      const rows = [
        row(1, 'green', '', 'a.png'),
        row(2, 'green', '', '"below/b, ""the second"".png"'),
        row(3, 'green', '', 'a.png'),
        row(4),
      ];
      const output = await world.run(rows, { photosDir });
      expect(output.value).toMatchObject({ new_photos: 2, changes: 4 });
      expect(await photosIn()).toEqual([a.id, b.id]);
      expect(await world.people()).toEqual([
        row(1, 'green', '', a.id),
        row(2, 'green', '', b.id),
        row(3, 'green', '', a.id),
        row(4),
      ]);
      expect((await world.run(rows, { photosDir })).value).toMatchObject({
        changed: false,
        new_photos: 0,
      });
    });

    test('may be many and large: no statement is larger than the embedded source takes', async () => {
      const photosDir = folder('many');
      const photos = Array.from({ length: 50 }, (_, i) => madePhoto(i + 1, 199_999));
      for (const [i, { bytes }] of photos.entries())
        writeFileSync(join(photosDir, `${i}.png`), bytes);
      await world.run(
        photos.map((_, i) => row(i + 1, 'green', '', `${i}.png`)),
        { photosDir },
      );
      expect((await photosIn()).sort()).toEqual(photos.map(({ id }) => id).sort());
    });

    test('are brought for people whose ids were there before', async () => {
      const photosDir = folder('later');
      const photo = madePhoto(3);
      writeFileSync(join(photosDir, 'c.png'), photo.bytes);
      await world.run([row(1, 'green', '', photo.id)]);
      const output = await world.run([row(1, 'green', '', 'c.png')], { photosDir });
      expect(output.value).toMatchObject({ changed: true, changes: 0, new_photos: 1 });
      expect(await photosIn()).toEqual([photo.id]);
    });

    test('are all checked before anything changes', async () => {
      const photosDir = folder('bad');
      writeFileSync(join(photosDir, 'good.png'), madePhoto(4).bytes);
      writeFileSync(join(photosDir, 'large.png'), madePhoto(5, 200_001).bytes);
      writeFileSync(join(photosDir, 'empty.png'), '');
      writeFileSync(join(photosDir, 'text.png'), 'not a photo');
      writeFileSync(join(world.dir, 'outside.png'), madePhoto(6).bytes);
      const names = [
        'good.png',
        'large.png',
        'empty.png',
        'text.png',
        'missing.png',
        'below',
        '../outside.png',
        '/etc/x',
      ];
      const output = keptOutput();
      const rows = names.map((name, i) => row(i + 1, 'green', '', name));
      expect(await failureOf(world.run(rows, { photosDir }, output))).toMatchObject({
        exitCode: 2,
      });
      const form = 'a photo is empty or the name of a file in the folder of photos';
      expect(output.notes.map((note) => note.replace(/^.*\.csv:/, ''))).toEqual([
        `3:31: ${photosDir}/large.png: is too large: a photo has at most 200,000 bytes`,
        `4:31: ${photosDir}/empty.png: is empty`,
        `5:31: ${photosDir}/text.png: is neither JPEG, PNG nor WebP, by its first bytes`,
        `6:31: ${photosDir}/missing.png: cannot be read (ENOENT)`,
        `7:31: ${photosDir}/below: cannot be read (EISDIR)`,
        `8:31: "../outside.png": ${form}`,
        `9:31: "/etc/x": ${form}`,
      ]);
      expect(await photosIn()).toEqual([]);
      expect(await world.people()).toEqual([]);
    });
  });
}
