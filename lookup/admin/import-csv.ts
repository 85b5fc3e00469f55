// Rows of CSV. A row is a line: no field of ours has line breaks, and so a stray quote spoils one line and not the
// rest of the file. A line without quotes is split here, which costs a fifth of what csv-parse does; it has the others.

import { CsvError, parse } from 'csv-parse/sync';
import type { RowFormat } from './import-format.ts';

const FIELD = /"(?:[^"]|"")*"|[^",]*/y;

export const csvFormat = (columns: readonly string[]): RowFormat => ({
  header: columns.join(','),
  fieldsOf(text) {
    let fields: readonly string[];
    if (!text.includes('"')) fields = text.split(',');
    else {
      try {
        fields = parse(text, { record_delimiter: '\n' })[0] ?? [];
      } catch (error) {
        if (!(error instanceof CsvError)) throw error;
        const index = Number((error as { index?: number }).index ?? 0);
        return { column: columnOf(text, index), what: QUOTE_FAULTS[error.code] ?? error.message };
      }
    }
    const count = fields.length;
    if (count === columns.length) return fields;
    return {
      column: count > columns.length ? columnOf(text, columns.length) : text.length + 1,
      what: `${count} ${count === 1 ? 'field' : 'fields'} and not ${columns.length} (${columns.join(',')})`,
    };
  },
  columnOf,
});

const QUOTE_FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and not closed on its line',
  CSV_INVALID_CLOSING_QUOTE:
    'something follows a closing quote (a quote inside of quotes is written "")',
  INVALID_OPENING_QUOTE: 'a quote inside of a field that is not quoted',
};

/** @returns where field `index` of a line begins, from 1 on */
function columnOf(text: string, index: number): number {
  let at = 0;
  for (let i = 0; i < index; i++) {
    FIELD.lastIndex = at;
    at += (FIELD.exec(text)?.[0].length ?? 0) + 1;
  }
  return at + 1;
}
