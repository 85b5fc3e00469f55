// What brings an import back: the rows of those who were there, as they were, and the names of those who were not.

import { type FileHandle, open, rm } from 'node:fs/promises';
import type { SqlSession } from '../source/sql.ts';
import { AREA_COLUMNS, type AreaRow } from './import-area-rows.ts';
import { PERSON_COLUMNS } from './import-person-row.ts';
import { CommandError } from './output.ts';

/** Unless `--undo` names another: in the folder where the command runs. */
export function undoFileName(command: 'import-areas' | 'import', nowMs: number): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${command}-undo-${time}.csv`;
}

const SLICE_ROWS = 5_000;

export interface UndoOptions {
  /** A file that is not there yet. */
  readonly file: string;
  readonly planned: string;
  readonly changes: number;
  readonly signal: AbortSignal;
}

export interface Undo {
  /** The command line that undoes it; undefined when there is nothing to undo. */
  readonly command: string | undefined;
  /** When nothing was changed after all. */
  discard(): Promise<void>;
}

/**
 * Written before anything changes, for its owner's eyes only.
 * @throws CommandError (2) when a file cannot be made
 */
export async function writeUndo(
  session: SqlSession,
  { file, planned, changes, signal }: UndoOptions,
): Promise<Undo> {
  const newFile = `${file}.new`;
  const [before, added] = [new LazyFile(file), new LazyFile(newFile)];
  const discard = async () => {
    await before.remove();
    await added.remove();
  };
  try {
    for (let done = 0; done < changes; done += SLICE_ROWS) {
      signal.throwIfAborted();
      const rows = await session.query<{ subject: string; row: string | null }>(
        `select lookup_subject_text(subject) as subject, case when old_color is not null then concat_ws(',',
            lookup_subject_text(subject), old_color::text, array_to_string(old_areas, '|'),
            coalesce(lookup_subject_text(old_photo), '')) end as row
          from ${planned} where n > $1::bigint and n <= $2::bigint order by n`,
        [done, done + SLICE_ROWS],
      );
      await before.write(
        rows.flatMap(({ row }) => row ?? []),
        PERSON_COLUMNS.join(','),
      );
      await added.write(rows.flatMap(({ row, subject }) => (row === null ? subject : [])));
    }
    await before.close();
    await added.close();
  } catch (error) {
    await discard();
    throw error;
  }
  const commands = [
    ...(before.isMade ? [importCommand('import', file)] : []),
    ...(added.isMade ? [`xargs -n 100 npx lookup erase --yes < ${shellWord(newFile)}`] : []),
  ];
  return { command: commands.length > 0 ? commands.join(' && ') : undefined, discard };
}

/**
 * Areas as they were; those that are new stay, as areas are never deleted.
 * @returns the command line that undoes it; undefined when there is nothing to undo
 * @throws CommandError (2) when the file cannot be made
 */
export async function writeAreasUndo(
  file: string,
  areas: readonly AreaRow[],
): Promise<string | undefined> {
  const before = new LazyFile(file);
  const lines = areas.map(({ id, name, floor }) => `${id},${csvField(name)},${floor}`);
  await before.write(lines, AREA_COLUMNS.join(',')).finally(() => before.close());
  return before.isMade ? importCommand('import-areas', file) : undefined;
}

function csvField(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** As typed: a file whose name does not say CSV needs a word more. */
function importCommand(command: 'import-areas' | 'import', file: string): string {
  return `npx lookup ${command} ${shellWord(file)}${/\.csv$/i.test(file) ? '' : ' --format csv'}`;
}

function shellWord(text: string): string {
  return /^[\w./:@%+,][\w./:@%+,-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Made with its first line, if any comes; never in the place of another file. */
class LazyFile {
  readonly #path: string;
  #handle: FileHandle | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get isMade(): boolean {
    return this.#handle !== undefined;
  }

  /** @param header the file's first line */
  async write(lines: readonly string[], header?: string): Promise<void> {
    if (lines.length === 0) return;
    let text = `${lines.join('\n')}\n`;
    if (!this.#handle) {
      this.#handle = await open(this.#path, 'wx', 0o600).catch((error) => {
        const { code } = error as NodeJS.ErrnoException;
        const why = code === 'EEXIST' ? 'is there already' : `cannot be made (${code})`;
        throw new CommandError(
          `${this.#path} ${why}, and what undoes this would go there (--undo FILE): nothing was changed`,
          2,
        );
      });
      if (header !== undefined) text = `${header}\n${text}`;
    }
    await this.#handle.appendFile(text);
  }

  /** What it holds is on the disk then. */
  async close(): Promise<void> {
    await this.#handle?.sync();
    await this.#handle?.close();
  }

  /** Only what was made here. */
  async remove(): Promise<void> {
    if (!this.#handle) return;
    await this.#handle.close().catch(() => {});
    await rm(this.#path, { force: true });
  }
}
