import type { SqlSession } from '../source/sql.ts';
import type { Faults } from './import-faults.ts';
import type { ImportFile } from './import-file.ts';
import { PersonRows, type StagedRow } from './import-person-row.ts';
import { checkPhotos } from './import-photos.ts';
import type { Stage } from './import-stage.ts';
import type { Output } from './output.ts';
import { withProgress } from './progress.ts';

export interface ReadPeopleOptions {
  readonly file: ImportFile;
  readonly stage: Stage;
  /** Is told what is wrong. */
  readonly faults: Faults;
  readonly photosDir: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Fills the stage with what is sound in the file: it is parsed here while the server takes in what was parsed before.
 * @returns how many people
 */
export async function readPeople(
  session: SqlSession,
  { file, stage, faults, photosDir, signal }: ReadPeopleOptions,
  output: Output,
): Promise<number> {
  const known = await session.query<{ id: string }>('select id::text as id from area');
  const areas = new Set(known.map(({ id }) => Number(id)));
  const people = new PersonRows({ areas, photoFiles: photosDir !== undefined, faults });
  async function* rowsOf(onBytes: (bytesRead: number) => void): AsyncGenerator<StagedRow> {
    for await (const rows of people.read(file, onBytes)) {
      signal.throwIfAborted();
      const sound = photosDir === undefined ? rows : await checkPhotos(photosDir, rows, faults);
      for (const { staged } of sound) yield staged;
    }
  }
  return withProgress(output, 'reading, bytes:', file.sizeBytes, (onBytes) =>
    stage.fill(rowsOf(onBytes)),
  );
}
