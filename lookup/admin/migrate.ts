import { pendingMigrations, migrate as run } from '../source/migrate.ts';
import type { SqlSession } from '../source/sql.ts';
import type { Output } from './output.ts';

/** `lookup migrate`: brings the schema to what this version needs. */
export async function migrate(
  session: SqlSession,
  { dryRun }: { readonly dryRun: boolean },
  output: Output,
): Promise<void> {
  const names = dryRun ? await pendingMigrations(session) : await run(session);
  for (const name of names) output.line(`${dryRun ? 'would run' : 'ran'} ${name}`);
  if (names.length === 0) output.line('nothing to run: the schema is what this version needs');
  output.json(dryRun ? { pending: names, dry_run: true } : { ran: names });
}
