// A source to import into, for the tests of that command.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type ImportOptions, importPeople } from '../lookup/admin/import.ts';
import { uuidToId } from '../lookup/health-code.ts';
import { openEmbedded } from '../lookup/source/embedded.ts';
import { enterDoor, openDoor } from '../lookup/source/embedded-door.ts';
import { migrate } from '../lookup/source/migrate.ts';
import { openPostgresSession } from '../lookup/source/postgres.ts';
import type { SqlSession } from '../lookup/source/sql.ts';
import { freshDatabase } from './database.ts';
import { type KeptOutput, keptOutput } from './output.ts';
import { idOf } from './service.ts';

export const HEADER = 'subject,color,areas,photo';

export interface ImportWorld {
  readonly session: SqlSession;
  /** For files. */
  readonly dir: string;
  /** Nobody, and areas 1 (green), 2 (yellow) and 3 (red). */
  reset(): Promise<void>;
  /** Writes the file's rows and imports them. */
  run(
    rows: readonly string[],
    how?: Partial<ImportOptions>,
    output?: KeptOutput,
    through?: SqlSession,
  ): Promise<KeptOutput>;
  /** Everybody, as the rows of a file, in the order of their subjects' bytes. */
  people(): Promise<string[]>;
  outbox(): Promise<{ kind: string; n: number }[]>;
  versions(): Promise<Map<string, string>>;
  /** Temporary tables that an import has left. */
  leftTables(): Promise<number>;
  close(): Promise<void>;
}

function importWorld(session: SqlSession, closeSession: () => Promise<void>): ImportWorld {
  const dir = mkdtempSync(join(tmpdir(), 'lookup-import-'));
  let files = 0;
  return {
    session,
    dir,
    async reset() {
      await session.exec('drop schema public cascade; create schema public');
      await migrate(session);
      await session.exec(
        `insert into area (id, name, floor) values (1, 'one', 'green'), (2, 'two', 'yellow'), (3, 'three', 'red');
        delete from outbox`,
      );
    },
    async run(rows, how = {}, output = keptOutput({ asJson: true }), through = session) {
      const file = join(dir, `people-${files++}.csv`);
      writeFileSync(file, `${[HEADER, ...rows].join('\n')}\n`);
      await importPeople(through, optionsOf(file, how), output);
      return output;
    },
    async people() {
      const rows = await session.query<{ row: string }>(
        `select concat_ws(',', lookup_subject_text(subject), color::text, array_to_string(areas, '|'),
          coalesce(lookup_subject_text(photo_id), '')) as row from person where erased_at is null order by subject`,
      );
      return rows.map(({ row }) => row);
    },
    async outbox() {
      const rows = await session.query<{ kind: string; n: string }>(
        'select kind, count(*)::text as n from outbox group by kind order by kind',
      );
      return rows.map(({ kind, n }) => ({ kind, n: Number(n) }));
    },
    async versions() {
      const rows = await session.query<{ subject: string; version: string }>(
        'select subject::text as subject, version::text as version from person',
      );
      return new Map(rows.map(({ subject, version }) => [uuidToId(subject), version]));
    },
    async leftTables() {
      const [left] = await session.query<{ n: string }>(
        "select count(*)::text as n from pg_class where relname like 'import\\_%' and relkind = 'r'",
      );
      return Number(left?.n);
    },
    async close() {
      await closeSession();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

let undoFiles = 0;
export const optionsOf = (file: string, how: Partial<ImportOptions> = {}): ImportOptions => ({
  file,
  format: undefined,
  stdin: Readable.from([]),
  photosDir: undefined,
  revive: false,
  errorsMax: 100,
  ratePerS: 1_000_000,
  yes: true,
  dryRun: false,
  undoFile: `${file}.undo-${undoFiles++}.csv`,
  signal: new AbortController().signal,
  ...how,
});

export const row = (n: number, color = 'green', areas = '', photo = '') =>
  `${idOf(n)},${color},${areas},${photo}`;
export const people = (count: number, color = 'green') =>
  Array.from({ length: count }, (_, i) => row(i + 1, color, '1'));

export interface Failed {
  readonly message: string;
  readonly exitCode: number | undefined;
}

/** @throws when it does not fail */
export async function failureOf(run: Promise<unknown>): Promise<Failed> {
  try {
    await run;
  } catch (error) {
    const { message, exitCode } = error as Failed;
    return { message, exitCode };
  }
  throw new Error('it did not fail');
}

export async function onPostgres(): Promise<ImportWorld & { readonly url: string }> {
  const database = await freshDatabase();
  const session = await openPostgresSession(database.url);
  const world = importWorld(session, async () => {
    await session.close();
    await database.drop();
  });
  return { ...world, url: database.url };
}

export async function onEmbedded(): Promise<ImportWorld> {
  const embedded = await openEmbedded();
  return importWorld(embedded.session(), () => embedded.close());
}

/** As while the demo runs: its process holds the source, and the command comes through the door. */
export async function onDoor(): Promise<ImportWorld> {
  const dir = mkdtempSync(join(tmpdir(), 'lookup-door-'));
  const embedded = await openEmbedded();
  const closeDoor = await openDoor(dir, () => embedded.session());
  const session = await enterDoor(dir);
  if (!session) throw new Error('nobody is behind the door');
  return importWorld(session, async () => {
    await session.close();
    await closeDoor();
    await embedded.close();
    rmSync(dir, { recursive: true, force: true });
  });
}
