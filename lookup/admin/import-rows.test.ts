import { PassThrough, Readable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keptOutput } from '../../test/output.ts';
import { Faults } from './import-faults.ts';
import { type ImportFormat, LINE_LENGTH_MAX, openImportFile } from './import-file.ts';
import { readRows } from './import-rows.ts';

const COLUMNS = ['subject', 'color', 'areas', 'photo'];
const HEADER = COLUMNS.join(',');

interface Read {
  readonly rows: { line: number; fields: readonly string[] }[];
  readonly columns: number[][];
  /** "line:column: what" */
  readonly faults: string[];
}

async function read(
  text: string | Buffer,
  { format = 'csv', pieceBytes = 7, columns = COLUMNS }: ReadHow = {},
): Promise<Read> {
  const bytes = Buffer.from(text as string);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    pieces.push(bytes.subarray(at, at + pieceBytes));
  const stdin = Readable.from(pieces);
  const faults = new Faults(1_000);
  const got: Read = { rows: [], columns: [], faults: [] };
  const file = await openImportFile({ file: '-', format, stdin });
  for await (const batch of readRows(file, { columns, faults, onBytes: () => {} }))
    for (const { line, fields, columnOf } of batch) {
      got.rows.push({ line, fields });
      got.columns.push(fields.map((_, i) => columnOf(i)));
    }
  const output = keptOutput();
  try {
    faults.report(output, '-');
  } catch {
    got.faults.push(...output.notes.map((note) => note.slice(2)));
  }
  return got;
}

interface ReadHow {
  readonly format?: ImportFormat;
  readonly pieceBytes?: number;
  readonly columns?: readonly string[];
}

describe('CSV', () => {
  test('is read with LF and CRLF, a byte order mark, empty lines and without a last line end', async () => {
    const { rows, columns, faults } = await read(
      `\ufeff${HEADER}\r\na,green,1|2,p\r\n\nb,red,,\n\r\nc,,,é.jpg`,
    );
    expect(rows).toEqual([
      { line: 2, fields: ['a', 'green', '1|2', 'p'] },
      { line: 4, fields: ['b', 'red', '', ''] },
      { line: 6, fields: ['c', '', '', 'é.jpg'] },
    ]);
    expect(columns).toEqual([
      [1, 3, 9, 13],
      [1, 3, 7, 8],
      [1, 3, 4, 5],
    ]);
    expect(faults).toEqual([]);
  });

  test('may have quotes, and each field has its place all the same', async () => {
    const { rows, columns } = await read(
      `${HEADER}\n"a","green","1|2","say ""x"", y.jpg"\n,"",b,"c"`,
    );
    expect(rows.map(({ fields }) => fields)).toEqual([
      ['a', 'green', '1|2', 'say "x", y.jpg'],
      ['', '', 'b', 'c'],
    ]);
    expect(columns).toEqual([
      [1, 5, 13, 19],
      [1, 2, 5, 7],
    ]);
  });

  test.each([
    ['a,green,', 9, '3 fields and not 4 (subject,color,areas,photo)'],
    ['a', 2, '1 field and not 4 (subject,color,areas,photo)'],
    ['a,green,,,x,y', 11, '6 fields and not 4 (subject,color,areas,photo)'],
    ['a,green,"1,2,', 9, 'a quote is opened and not closed on its line'],
    [
      '"a"b,green,,',
      1,
      'something follows a closing quote (a quote inside of quotes is written "")',
    ],
    ['a,gr"een,,', 3, 'a quote inside of a field that is not quoted'],
    [
      `a,${'x'.repeat(LINE_LENGTH_MAX)},,`,
      LINE_LENGTH_MAX + 1,
      'the line is longer than 65536 characters',
    ],
  ])('is wrong in one line (%#), at its place', async (line, column, what) => {
    const { rows, faults } = await read(`${HEADER}\nb,red,,\n${line}\nc,red,,\n`, {
      pieceBytes: 9_999,
    });
    expect(faults).toEqual([`3:${column}: ${what}`]);
    // A stray quote does not swallow the lines after it.
    expect(rows.map(({ line }) => line)).toEqual([2, 4]);
  });

  test.each([
    ['', '1:1: is empty: its first line is subject,color,areas,photo'],
    ['\ufeff\r\n\n', '1:1: is empty: its first line is subject,color,areas,photo'],
    [
      'subject,colr,areas,photo\na,green,,',
      '1:9: the header is not subject,color,areas,photo: "subject,colr,areas,photo"',
    ],
    [
      'Subject,color,areas,photo\na,green,,',
      '1:1: the header is not subject,color,areas,photo: "Subject,color,areas,photo"',
    ],
    [
      'subject,color,areas\na,green,,',
      '1:20: the header is not subject,color,areas,photo: "subject,color,areas"',
    ],
    [
      'subject,color,areas,photo,x\na,green,,',
      '1:27: the header is not subject,color,areas,photo: "subject,color,areas,photo,x"',
    ],
    [
      'subject;color;areas;photo\na,green,,',
      '1:1: the header is not subject,color,areas,photo: "subject;color;areas;photo"',
    ],
    ['a,green,,', '1:1: the header is not subject,color,areas,photo: "a,green,,"'],
  ])('%j has no header to go on', async (text, fault) => {
    expect(await read(text)).toEqual({ rows: [], columns: [], faults: [fault] });
  });

  test('that is only a header has nobody', async () => {
    expect(await read(`${HEADER}\n`)).toEqual({ rows: [], columns: [], faults: [] });
  });

  test('in UTF-16 is told apart', async () => {
    await expect(read(Buffer.from(`\ufeff${HEADER}\n`, 'utf16le'))).rejects.toThrow(
      '<stdin>: is UTF-16, not UTF-8',
    );
  });

  test('is taken apart as csv-parse does it, however it comes in pieces', async () => {
    const field = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', '1', ' ', '|', 'é', '票', '🎫', "'") }),
      fc
        .string({ unit: fc.constantFrom('a', '"', ',', ' ', '票') })
        .map((text) => `"${text.replaceAll('"', '""')}"`),
    );
    const lines = fc.array(fc.array(field, { minLength: 4, maxLength: 4 }), { minLength: 1 });
    const end = fc.constantFrom('\n', '\r\n');
    await fc.assert(
      fc.asyncProperty(
        lines,
        end,
        fc.integer({ min: 1, max: 40 }),
        async (lines, end, pieceBytes) => {
          const text = [HEADER, ...lines.map((fields) => fields.join(','))].join(end);
          const { rows, columns, faults } = await read(text, { pieceBytes });
          expect(faults).toEqual([]);
          expect(rows.map(({ fields }) => fields)).toEqual(parse(text, { bom: true }).slice(1));
          const raw = text.split(end);
          for (const [i, { line, fields }] of rows.entries())
            for (const [k, value] of fields.entries()) {
              const at = (columns[i]?.[k] as number) - 1;
              const begins = raw[line - 1]?.slice(at) ?? '';
              expect(
                begins.startsWith(value) || begins.startsWith(`"${value.replaceAll('"', '""')}"`),
              ).toBe(true);
              if (k > 0) expect(raw[line - 1]?.[at - 1]).toBe(',');
            }
        },
      ),
    );
  });
});

describe('NDJSON', () => {
  const ndjson = (text: string) => read(text, { format: 'ndjson' });

  test('has the same names, arrays of numbers and null for nothing', async () => {
    const { rows, columns, faults } = await ndjson(
      `\ufeff{"subject":"a","color":"green","areas":[1,22],"photo":null}\r\n\n` +
        `{"photo": "é.jpg", "areas": "1|22", "color": "red", "subject": "b"}\n` +
        `{"subject":"c","color":"red","areas":[],"photo":""}`,
    );
    expect(faults).toEqual([]);
    expect(rows).toEqual([
      { line: 1, fields: ['a', 'green', '1|22', ''] },
      { line: 3, fields: ['b', 'red', '1|22', 'é.jpg'] },
      { line: 4, fields: ['c', 'red', '', ''] },
    ]);
    expect(columns.slice(0, 2)).toEqual([
      [12, 24, 40, 55],
      [64, 46, 29, 11],
    ]);
  });

  test.each([
    ['{"subject":"a","color":"gre', 24, 'the line ends within the text that begins here'],
    ['{"subject":"a","color":', 24, 'the line ends within its object'],
    ['{"subject":"a" "color":"red"}', 16, 'is not JSON from here on'],
    ['{"subject":a}', 12, 'is not JSON from here on'],
    ['a,green,,', 1, 'is not JSON from here on'],
    ['["a","green",[],null]', 1, 'is no object with subject, color, areas, photo'],
    ['null', 1, 'is no object with subject, color, areas, photo'],
    ['{"subject":"a","color":"red","areas":[]}', 1, 'lacks "photo" (null: none)'],
    [
      '{"subject":"a","color":"red","areas":[],"photo":null,"foto":1}',
      61,
      '"foto" is not one of subject, color, areas, photo',
    ],
    [
      '{"subject":"a","color":true,"areas":[],"photo":null}',
      24,
      'color is neither text, a whole number, an array of them, nor null',
    ],
    [
      '{"subject":"a","color":"red","areas":["1"],"photo":null}',
      38,
      'areas is neither text, a whole number, an array of them, nor null',
    ],
    [
      '{"subject":"a","color":"red","areas":[1.5],"photo":null}',
      38,
      'areas is neither text, a whole number, an array of them, nor null',
    ],
  ])('%s is wrong at column %i', async (line, column, what) => {
    const good = '{"subject":"b","color":"red","areas":[],"photo":null}';
    const { rows, faults } = await ndjson(`${good}\n${line}\n${good}\n`);
    expect(faults).toEqual([`2:${column}: ${what}`]);
    expect(rows.map(({ line }) => line)).toEqual([1, 3]);
  });

  test('without a row is empty, which is told', async () => {
    expect((await ndjson('\n')).faults).toEqual(['1:1: is empty']);
  });
});

describe('a file', () => {
  const stdin = Readable.from([]);
  test.each([
    ['no-such.csv', undefined, 'no-such.csv: cannot be read (ENOENT)'],
    ['lookup', undefined, 'lookup: is a folder'],
    [
      'package.json',
      undefined,
      'package.json: is it CSV or NDJSON? Its name says neither (.csv, .ndjson, .jsonl): --format',
    ],
  ] as const)('%s is refused', async (file, format, message) => {
    await expect(openImportFile({ file, format, stdin })).rejects.toMatchObject({
      message,
      exitCode: 2,
    });
  });

  test('says by its name what it is, unless told', async () => {
    const open = async (file: string, format?: ImportFormat) => {
      const opened = await openImportFile({ file, format, stdin });
      opened.stream.destroy();
      return { format: opened.format, sizeBytes: opened.sizeBytes };
    };
    expect(await open('package.json', 'ndjson')).toEqual({
      format: 'ndjson',
      sizeBytes: expect.any(Number),
    });
    expect(await open('-')).toEqual({ format: 'csv', sizeBytes: 0 });
    expect(await open('-', 'ndjson')).toEqual({ format: 'ndjson', sizeBytes: 0 });
  });

  test('that breaks off is a fault of the machine, not of the file', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from(`${HEADER}\n`);
        throw Object.assign(new Error('gone'), { code: 'EIO' });
      })(),
    );
    const file = await openImportFile({ file: '-', format: 'csv', stdin: broken });
    const rows = readRows(file, { columns: COLUMNS, faults: new Faults(1), onBytes: () => {} });
    await expect(rows.next()).rejects.toMatchObject({
      message: '<stdin>: cannot be read to its end (EIO)',
      exitCode: 1,
    });
  });

  test('is waited for no longer once the person at the terminal ends it', async () => {
    const silent = new PassThrough();
    const ending = new AbortController();
    const options = { file: '-', format: 'csv', stdin: silent, signal: ending.signal } as const;
    const file = await openImportFile(options);
    const rows = readRows(file, { columns: COLUMNS, faults: new Faults(1), onBytes: () => {} });
    const waiting = rows.next();
    ending.abort(new Error('told to end'));
    await expect(waiting).rejects.toThrow('told to end');
    expect(silent.destroyed).toBe(true);
  });
});

test('of many faults the first are told with their places, the rest counted', () => {
  const faults = new Faults(3);
  for (let line = 2; line <= 9; line++) faults.add(line, 5, 'a');
  faults.addAll({
    faults: [
      { line: 3, column: 1, what: 'b' },
      { line: 8, column: 1, what: 'b' },
    ],
    count: 2_000,
  });
  const output = keptOutput({ asJson: true });
  expect(() => faults.report(output, 'f.csv')).toThrow(
    'f.csv has 2,008 errors: nothing was changed',
  );
  expect(output.notes).toEqual(['f.csv:2:5: a', 'f.csv:3:1: b', 'f.csv:3:5: a', 'and 2,005 more']);
  expect(output.value).toMatchObject({ changed: false, error_count: 2_008, errors: { length: 3 } });
});
