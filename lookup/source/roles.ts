// Roles of PostgreSQL, each with the rights that one part of the system needs and no other: nobody logs in with them,
// logins are made members of them.

import { lockedForMigration } from './migrate.ts';
import type { SqlSession } from './sql.ts';

interface Rights {
  /** What a member may do. */
  readonly meaning: string;
  /** privileges -> tables */
  readonly tables: Readonly<Record<string, string>>;
  /** privileges -> sequences */
  readonly sequences: Readonly<Record<string, string>>;
  readonly functions: readonly string[];
}

const MARKS = ['lookup_source_epoch()', 'lookup_mark()'];

export const ROLES: Readonly<Record<string, Rights>> = {
  lookup_reader: {
    meaning: 'answers from the source, and follows its outbox: a service beside a relay',
    tables: {
      select:
        'person, area, photo, outbox, outbox_trim, history_token, source_epoch, relay_lease, schema_migration',
    },
    sequences: { select: 'change_version' },
    functions: MARKS,
  },
  lookup_relay: {
    meaning: 'carries changes into Redis: outbox, lease, what is kept, a new epoch; no photos',
    tables: {
      select:
        'person, area, outbox, outbox_trim, history_token, source_epoch, relay_lease, schema_migration',
    },
    sequences: { select: 'change_version' },
    functions: [
      ...MARKS,
      'lookup_lease(text, interval, bigint)',
      'lookup_release(text)',
      'lookup_keep(pg_snapshot, interval)',
      'lookup_tombstones(interval)',
      'lookup_bury(uuid[], interval)',
      'lookup_new_epoch(bigint, text)',
    ],
  },
  lookup_writer: {
    meaning: 'writes people, areas and photos, and reads the mark of what it wrote',
    tables: {
      'select, insert, update': 'person, area',
      'select, insert, update, delete': 'photo',
      select: 'outbox, source_epoch, schema_migration',
    },
    // A version is drawn in the writer's own name, row by row.
    sequences: { usage: 'change_version' },
    functions: [...MARKS, 'lookup_begin_first_load()'],
  },
};

/**
 * Makes the roles that are missing, and gives each of them what it has here, and nothing else in this schema.
 * @returns those that were made
 */
export async function grantRoles(session: SqlSession): Promise<string[]> {
  const names = Object.keys(ROLES);
  const rows = await session.query<{ name: string }>(
    'select rolname as name from pg_roles where rolname = any($1::text[])',
    [names],
  );
  const there = new Set(rows.map(({ name }) => name));
  const missing = names.filter((name) => !there.has(name));
  const [found] = await session.query<{ schema: string }>(
    'select quote_ident(current_schema()) as schema',
  );
  const schema = found?.schema ?? 'public';
  // Nobody is without their rights meanwhile: all of it shows at once.
  await lockedForMigration(session, () =>
    session.transaction(async () => {
      for (const name of missing) await session.exec(`create role ${name} nologin`);
      for (const [name, rights] of Object.entries(ROLES))
        await session.exec(statementsOf(name, rights, schema).join(';\n'));
    }),
  );
  return missing;
}

function statementsOf(role: string, rights: Rights, schema: string): string[] {
  const kinds = ['tables', 'sequences', 'functions'];
  return [
    ...kinds.map((kind) => `revoke all on all ${kind} in schema ${schema} from ${role}`),
    `grant usage on schema ${schema} to ${role}`,
    ...Object.entries(rights.tables).map(([what, names]) => `grant ${what} on ${names} to ${role}`),
    ...Object.entries(rights.sequences).map(
      ([what, names]) => `grant ${what} on sequence ${names} to ${role}`,
    ),
    `grant execute on function ${rights.functions.join(', ')} to ${role}`,
  ];
}
