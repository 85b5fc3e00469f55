import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { type OwnPostgres, startPostgres } from './own-postgres.ts';
import { urlOf } from './postgres-server.ts';

export type { OwnPostgres } from './own-postgres.ts';

async function admin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgres').adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** An empty database on the run's own server; `drop` throws out whoever is still connected. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await admin(`create database ${name} template template0`);
  const { port, password } = inject('postgres');
  return {
    url: urlOf(port, password, name),
    drop: () => admin(`drop database if exists ${name} with (force)`),
  };
}

const own = new Set<OwnPostgres>();
afterAll(async () => {
  await Promise.all([...own].map((server) => server.discard()));
});

/**
 * A PostgreSQL of one test's own, discarded after the test file, at the latest.
 * @param settings PostgreSQL's own names, besides the small defaults of the run's server
 */
export async function startOwnPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnPostgres> {
  const postgres = await startPostgres(inject('postgres'), { settings });
  own.add(postgres);
  return {
    ...postgres,
    async copy() {
      const copy = await postgres.copy();
      own.add(copy);
      return copy;
    },
  };
}
