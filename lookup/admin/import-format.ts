/** How a line of a file is taken apart. */
export interface RowFormat {
  /** What the first line must be; undefined: rows begin at once. */
  readonly header: string | undefined;
  /** @returns the texts, or where the line is wrong, from 1 on, and how */
  fieldsOf(text: string): readonly string[] | { readonly column: number; readonly what: string };
  /** Where field `index` begins, from 1 on; for a line that {@link fieldsOf} took. */
  columnOf(text: string, index: number): number;
}
