// The rows of a file, whatever its format: texts in the order of the columns, each with its place.

import { csvFormat } from './import-csv.ts';
import { type Faults, quoted } from './import-faults.ts';
import { type ImportFile, LINE_LENGTH_MAX, readLines } from './import-file.ts';
import { ndjsonFormat } from './import-ndjson.ts';

export interface Row {
  readonly line: number;
  /** One a column. */
  readonly fields: readonly string[];
  /** From 1 on. */
  columnOf(index: number): number;
}

export interface ReadOptions {
  readonly columns: readonly string[];
  /** Is told what is wrong with a line, which is left out. */
  readonly faults: Faults;
  readonly onBytes: (bytesRead: number) => void;
}

/** Batches of what one read of the file brought. Empty lines are passed over. */
export async function* readRows(file: ImportFile, options: ReadOptions): AsyncGenerator<Row[]> {
  const { columns, faults, onBytes } = options;
  const format = file.format === 'csv' ? csvFormat(columns) : ndjsonFormat(columns);
  let isFirst = true;
  for await (const { first, lines, bytesRead } of readLines(file)) {
    onBytes(bytesRead);
    const rows: Row[] = [];
    let line = first - 1;
    for (const text of lines) {
      line++;
      if (text === '') continue;
      if (isFirst && format.header !== undefined) {
        isFirst = false;
        if (text === format.header) continue;
        faults.add(
          line,
          headerColumn(text, format.header),
          `the header is not ${format.header}: ${quoted(text)}`,
        );
        // With other columns every row would be wrong, too.
        return;
      }
      isFirst = false;
      if (text.length > LINE_LENGTH_MAX) {
        faults.add(
          line,
          LINE_LENGTH_MAX + 1,
          `the line is longer than ${LINE_LENGTH_MAX} characters`,
        );
        continue;
      }
      const fields = format.fieldsOf(text);
      if ('what' in fields) faults.add(line, fields.column, fields.what);
      else rows.push({ line, fields, columnOf: (index) => format.columnOf(text, index) });
    }
    if (rows.length > 0) yield rows;
  }
  if (isFirst)
    faults.add(
      1,
      1,
      `is empty${format.header === undefined ? '' : `: its first line is ${format.header}`}`,
    );
}

/** Where the first name begins that is another one. */
function headerColumn(text: string, header: string): number {
  const names = header.split(',');
  let column = 1;
  for (const [i, name] of text.split(',').entries()) {
    if (name !== names[i]) break;
    column += name.length + 1;
  }
  return Math.min(column, text.length + 1);
}
