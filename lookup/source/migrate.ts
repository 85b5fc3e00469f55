import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { SqlSession } from './sql.ts';

/** The schema in the database is not one that these migrations made. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

const FOLDER = new URL('./migrations/', import.meta.url);

/** Any number that no other program is likely to lock. */
const LOCK = 7_161_820_340;

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

/**
 * Runs the numbered migrations that are missing, each in a transaction of its own; waits for another that does so.
 * @returns the names of those that ran
 * @throws MigrationError when one that ran here has been edited since, or the database has one that is not known here
 */
export async function migrate(session: SqlSession): Promise<string[]> {
  const ran: string[] = [];
  await lockedForMigration(session, async () => {
    await session.exec(
      `create table if not exists schema_migration (
        name text primary key, sha256 text not null, applied_at timestamptz not null default now())`,
    );
    for (const { name, text, sha256 } of await missing(session)) {
      await session.transaction(async () => {
        await session.exec(text);
        await session.query('insert into schema_migration (name, sha256) values ($1, $2)', [
          name,
          sha256,
        ]);
      });
      ran.push(name);
    }
  });
  return ran;
}

/** Only one at a time changes what this database is made of. */
export async function lockedForMigration<T>(
  session: SqlSession,
  work: () => Promise<T>,
): Promise<T> {
  await session.query('select pg_advisory_lock($1::bigint)', [String(LOCK)]);
  try {
    return await work();
  } finally {
    await session.query('select pg_advisory_unlock($1::bigint)', [String(LOCK)]);
  }
}

/**
 * @returns the names of those that {@link migrate} would run; changes nothing
 * @throws MigrationError as migrate does
 */
export async function pendingMigrations(session: SqlSession): Promise<string[]> {
  return (await missing(session)).map(({ name }) => name);
}

async function missing(session: SqlSession): Promise<Migration[]> {
  const migrations = readMigrations();
  const applied = await appliedMigrations(session);
  for (const name of applied.keys()) {
    if (!migrations.some((migration) => migration.name === name))
      throw new MigrationError(
        `the database has migration ${name}, which this version does not know: use a newer one`,
      );
  }
  return migrations.filter(({ name, sha256 }) => {
    const before = applied.get(name);
    if (before !== undefined && before !== sha256)
      throw new MigrationError(
        `migration ${name} was changed after it ran here: add a new one instead`,
      );
    return before === undefined;
  });
}

function readMigrations(): Migration[] {
  return readdirSync(FOLDER)
    .filter((name) => /^\d{4}_.*\.sql$/.test(name))
    .sort()
    .map((name) => {
      const text = readFileSync(new URL(name, FOLDER), 'utf8');
      return { name, text, sha256: createHash('sha256').update(text).digest('hex') };
    });
}

/** Name -> SHA-256 of its text, as it ran. */
async function appliedMigrations(session: SqlSession): Promise<Map<string, string>> {
  const [table] = await session.query<{ there: string | null }>(
    "select to_regclass('schema_migration')::text as there",
  );
  if (!table?.there) return new Map();
  const rows = await session.query<{ name: string; sha256: string }>(
    'select name, sha256 from schema_migration',
  );
  return new Map(rows.map((row) => [row.name, row.sha256]));
}
