import type { SqlSession } from '../source/sql.ts';
import { readMark } from './mark.ts';
import type { Output } from './output.ts';

/** What a command that writes has done. */
export interface Change {
  readonly changed: boolean;
  /** For a person. */
  readonly text: string;
  /** For a program, besides `changed`, `mark` and `undo`. */
  readonly value: object;
  /** The command line that undoes it; undefined when nothing does. */
  readonly undo: string | undefined;
}

/** Says what was done, with its mark. Only after the COMMIT has returned: a mark taken before promises too much. */
export async function sayChange(
  session: SqlSession,
  output: Output,
  { changed, text, value, undo }: Change,
): Promise<void> {
  const mark = await readMark(session);
  const back = changed ? undo : undefined;
  output.line(text);
  output.line(`mark  ${JSON.stringify(mark)}`);
  if (back) output.line(`undo  ${back}`);
  output.json({ ...value, changed, mark, undo: back ?? null });
}
