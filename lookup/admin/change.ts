import type { SqlSession } from '../source/sql.ts';
import { readMark } from './mark.ts';
import { CommandError, type Output } from './output.ts';
import { type Waited, type WaitFor, waitedText } from './wait.ts';

/** What a command that writes has done. */
export interface Change {
  readonly changed: boolean;
  /** For a person. */
  readonly text: string;
  /** For a program, besides `changed`, `mark` and `undo`. */
  readonly value: object;
  /** The command line that undoes it; undefined when nothing does. */
  readonly undo: string | undefined;
  /** `--wait` */
  readonly wait: WaitFor | undefined;
}

/**
 * Says what was done, with its mark. Only after the COMMIT has returned: a mark taken before promises too much.
 * @throws CommandError (4) when it was waited for in vain
 */
export async function sayChange(
  session: SqlSession,
  output: Output,
  { changed, text, value, undo, wait }: Change,
): Promise<void> {
  const mark = await readMark(session);
  const back = changed ? undo : undefined;
  output.line(text);
  output.line(`mark  ${JSON.stringify(mark)}`);
  if (back) output.line(`undo  ${back}`);
  const waited = await wait?.(mark);
  const known = waited ? { waited: waitedValue(waited) } : {};
  output.json({ ...value, changed, mark, undo: back ?? null, ...known });
  if (!waited) return;
  if (waited.missing.length > 0) throw new CommandError(waitedText(waited), 4);
  output.line(waitedText(waited));
}

const waitedValue = ({ ms, processes, missing }: Waited) => ({
  ms,
  processes,
  missing: missing.map(({ name, behindMs }) => ({ name, behind_ms: behindMs ?? null })),
});
