// Rows of NDJSON: an object a line, under the names that a CSV has in its header. An array of whole numbers stands for
// their texts joined by "|", null for nothing.

import { quoted } from './import-faults.ts';
import type { RowFormat } from './import-format.ts';
import { placesOf } from './json-places.ts';

export const ndjsonFormat = (columns: readonly string[]): RowFormat => ({
  header: undefined,
  fieldsOf(text) {
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch {
      const { faultAt } = placesOf(text);
      return { column: faultAt + 1, what: jsonFault(text, faultAt) };
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      return { column: 1, what: `is no object with ${columns.join(', ')}` };
    const fields: string[] = [];
    for (const name of columns) {
      const value = (row as Record<string, unknown>)[name];
      if (value === undefined) return { column: 1, what: `lacks ${quoted(name)} (null: none)` };
      const field = fieldOf(value);
      if (field === undefined)
        return {
          column: columnOfName(text, name),
          what: `${name} is neither text, a whole number, an array of them, nor null`,
        };
      fields.push(field);
    }
    const { length } = Object.keys(row);
    if (length === columns.length) return fields;
    const unknown = Object.keys(row).find((name) => !columns.includes(name)) as string;
    return {
      column: columnOfName(text, unknown),
      what: `${quoted(unknown)} is not one of ${columns.join(', ')}`,
    };
  },
  columnOf: (text, index) => columnOfName(text, columns[index] as string),
});

function jsonFault(text: string, at: number): string {
  if (at >= text.length) return 'the line ends within its object';
  if (text[at] === '"' && /^(?:[^"\\]|\\.)*$/.test(text.slice(at + 1)))
    return 'the line ends within the text that begins here';
  return 'is not JSON from here on';
}

function fieldOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value) && value.every(Number.isSafeInteger)) return value.join('|');
  return undefined;
}

const columnOfName = (text: string, name: string) => (placesOf(text).values.get(name) ?? 0) + 1;
