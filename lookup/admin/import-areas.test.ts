import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  failureOf,
  type ImportWorld,
  onEmbedded,
  onPostgres,
  people,
  row,
} from '../../test/import-world.ts';
import { type KeptOutput, keptOutput } from '../../test/output.ts';
import { type ImportAreasOptions, importAreas } from './import-areas.ts';

const HEADER = 'id,name,floor';
const SAME = ['1,one,green', '2,two,yellow', '3,three,red'];

describe.each([
  ['PostgreSQL', onPostgres],
  ['the embedded source', onEmbedded],
])('areas into %s', (_, open: () => Promise<ImportWorld>) => {
  let world: ImportWorld;
  let files = 0;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => world.reset());

  const optionsOf = (file: string, how: Partial<ImportAreasOptions> = {}): ImportAreasOptions => ({
    file,
    format: undefined,
    stdin: Readable.from([]),
    errorsMax: 100,
    yes: true,
    dryRun: false,
    undoFile: `${file}.undo.csv`,
    signal: new AbortController().signal,
    ...how,
  });
  const run = async (
    rows: readonly string[],
    how: Partial<ImportAreasOptions> = {},
    output: KeptOutput = keptOutput({ asJson: true }),
  ) => {
    const file = join(world.dir, `areas-${files++}.csv`);
    writeFileSync(file, `${[HEADER, ...rows].join('\n')}\n`);
    await importAreas(world.session, optionsOf(file, how), output);
    return output;
  };
  const areas = async () =>
    (
      await world.session.query<{ row: string }>(
        "select concat_ws(',', id, name, floor) as row from area order by area.id",
      )
    ).map((one) => one.row);

  test('are added and changed, and none is deleted', async () => {
    const output = await run(['2,"two, the second",yellow', '1,one,red', '4,四,green']);
    expect(await areas()).toEqual([
      '1,one,red',
      '2,two, the second,yellow',
      '3,three,red',
      '4,四,green',
    ]);
    expect(output.value).toMatchObject({ read: 3, added: 1, floors: 1, names: 1, changed: true });
    // A new name is nothing to the feed.
    expect(await world.outbox()).toEqual([{ kind: 'area', n: 2 }]);
  });

  test('run again change nothing', async () => {
    const output = await run(SAME, {}, keptOutput());
    expect(output.lines[0]).toMatch(/: all 3 areas are as they were$/);
    expect(output.lines.join()).not.toContain('undo');
    expect(await world.outbox()).toEqual([]);
  });

  test('are told with how many people change color, and asked above 5 %', async () => {
    await world.run([
      ...people(17),
      row(20, 'green', '1|2'),
      row(21, 'green', '2|3'),
      row(22, 'red', '2'),
    ]);
    const output = keptOutput({ answers: [false] });
    const change = ['1,one,yellow', '2,two,red'];
    expect(await failureOf(run(change, { yes: false }, output))).toMatchObject({ exitCode: 3 });
    expect(output.notes.slice(1)).toEqual([
      '18 of 20 people (90 %) are answered another color:',
      '  green -> yellow: 17',
      '  yellow -> red: 1',
    ]);
    expect(output.asked).toEqual(['Change the color of 18 people?']);
    expect(await areas()).toEqual(SAME);
    expect((await run(change, { yes: false, dryRun: true })).value).toMatchObject({
      changing: 18,
      changed: false,
      dry_run: true,
    });
    expect(await areas()).toEqual(SAME);
    expect((await run(['2,two,red'], { yes: false })).value).toMatchObject({ changing: 1 });
  });

  test('are undone by the command that is printed', async () => {
    await run(['1,"say ""one"", please",green']);
    const undoFile = join(world.dir, `undo-${files++}.csv`);
    const output = await run(['1,x,red', '4,new,green'], { undoFile });
    expect(output.value.undo).toBe(`npx lookup import-areas ${undoFile}`);
    expect(readFileSync(undoFile, 'utf8')).toBe(`${HEADER}\n1,"say ""one"", please",green\n`);
    await importAreas(world.session, optionsOf(undoFile), keptOutput());
    expect((await areas())[0]).toBe('1,say "one", please,green');
  });

  test('with faults are refused whole, each with its line and column', async () => {
    const output = keptOutput();
    const rows = [
      '1,one,red',
      '0,zero,green',
      '2147483648,large,green',
      `5,${'x'.repeat(201)},green`,
      '6,,green',
      '7,se\u0007ven,blue',
      '1,again,red',
      '8,eight',
    ];
    expect(await failureOf(run(rows, {}, output))).toMatchObject({ exitCode: 2 });
    const name = 'a name has 1 to 200 characters of UTF-8, no control characters';
    expect(output.notes.map((note) => note.replace(/^.*\.csv:/, ''))).toEqual([
      '3:1: "0": an area is a whole number from 1 on',
      '4:1: "2147483648": an area is a whole number from 1 on',
      `5:3: "${'x'.repeat(60)}...": ${name}`,
      `6:3: "": ${name}`,
      `7:3: "se\\u0007ven": ${name}`,
      '7:10: "blue": a floor is green, yellow or red',
      '8:1: area 1 is in line 2 already',
      '9:8: 2 fields and not 3 (id,name,floor)',
    ]);
    expect(await areas()).toEqual(SAME);
  });

  test('come as NDJSON from standard input, too', async () => {
    const stdin = Readable.from([Buffer.from('{"id":1,"name":"uno","floor":"red"}\n')]);
    const undoFile = join(world.dir, `undo-${files++}.csv`);
    const options = optionsOf('-', { stdin, format: 'ndjson', undoFile });
    await importAreas(world.session, options, keptOutput());
    expect((await areas())[0]).toBe('1,uno,red');
  });

  test('are not written over what somebody else did while it was asked', async () => {
    await world.run(people(3));
    const output = keptOutput();
    output.ask = async () => {
      await world.session.query("update area set floor = 'red' where id = 2");
      return true;
    };
    expect(await failureOf(run(['1,one,red'], { yes: false }, output))).toEqual({
      message: 'an area was changed by somebody else meanwhile: nothing was changed; run it again',
      exitCode: 1,
    });
    expect(await areas()).toEqual(['1,one,green', '2,two,red', '3,three,red']);
  });
});
