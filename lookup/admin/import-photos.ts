// Photos of an import: read and checked before anything changes, and read again when they are written, so that
// neither memory nor a temporary table holds them all.

import { join } from 'node:path';
import { idToUuid, uuidToId } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import type { Faults } from './import-faults.ts';
import type { Checked } from './import-person-row.ts';
import { CommandError } from './output.ts';
import { type PhotoFile, readPhotoFile } from './photo-file.ts';

const READS_AT_ONCE = 8;
const PHOTO = 3;

/**
 * Sets the photo id of each row that names a file; one whose file is missing or no photo is a fault.
 * @returns the others
 */
export async function checkPhotos(
  dir: string,
  rows: readonly Checked[],
  faults: Faults,
): Promise<readonly Checked[]> {
  const wrong = new Map<number, string>();
  await each(rows, async ({ row, staged }) => {
    const file = staged[5];
    if (file === null) return;
    try {
      staged[4] = idToUuid((await readPhotoFile(join(dir, file))).id);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      wrong.set(row.line, error.message);
    }
  });
  return rows.filter(({ row }) => {
    const what = wrong.get(row.line);
    if (what !== undefined) faults.add(row.line, row.columnOf(PHOTO), what);
    return what === undefined;
  });
}

export interface PhotoWriteOptions {
  readonly dir: string;
  /** Table of the photos that the source lacks, its rows numbered from 1 to `count`. */
  readonly lacking: string;
  readonly count: number;
  readonly signal: AbortSignal;
  /** @param done photos so far */
  readonly onDone: (done: number) => void;
}

/** A statement has as many rows and at most so many bytes (one photo more): the embedded source takes 8 MiB. */
const SLICE_ROWS = 64;
const INSERT_BYTES_MAX = 4 * 1024 * 1024;

/** Before the people who have them, so that nobody is shown an empty frame; each statement is a commit. */
export async function writePhotos(session: SqlSession, options: PhotoWriteOptions): Promise<void> {
  const { dir, lacking, count, signal, onDone } = options;
  for (let done = 0; done < count; done += SLICE_ROWS) {
    signal.throwIfAborted();
    const rows = await session.query<{ photo: string; file: string }>(
      `select photo_id::text as photo, photo_file as file from ${lacking}
        where n > $1::bigint and n <= $2::bigint order by n`,
      [done, done + SLICE_ROWS],
    );
    let batch: PhotoFile[] = [];
    let bytes = 0;
    for (const photo of await readAgain(dir, rows)) {
      batch.push(photo);
      bytes += photo.bytes.length;
      if (bytes < INSERT_BYTES_MAX) continue;
      await insert(session, batch);
      batch = [];
      bytes = 0;
    }
    await insert(session, batch);
    onDone(Math.min(done + SLICE_ROWS, count));
  }
}

async function readAgain(
  dir: string,
  rows: readonly { photo: string; file: string }[],
): Promise<PhotoFile[]> {
  const photos: PhotoFile[] = [];
  await each(rows, async ({ photo, file }) => {
    const path = join(dir, file);
    const read = await readPhotoFile(path);
    if (read.id !== uuidToId(photo))
      throw new CommandError(`${path} was changed while it was imported: run it again`, 1);
    photos.push(read);
  });
  return photos;
}

/** By their hash: one that is there already is the same. */
async function insert(session: SqlSession, photos: readonly PhotoFile[]): Promise<void> {
  if (photos.length === 0) return;
  const values = photos.map(
    (_, i) => `($${3 * i + 1}::uuid, $${3 * i + 2}::text, $${3 * i + 3}::bytea)`,
  );
  await session.query(
    `insert into photo (id, mime, bytes) values ${values.join(', ')} on conflict (id) do nothing`,
    photos.flatMap(({ id, mime, bytes }) => [idToUuid(id), mime, bytes]),
  );
}

/** All of them, a few at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker));
}
