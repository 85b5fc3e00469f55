import { pendingMigrations, migrate as run } from '../source/migrate.ts';
import { grantRoles, ROLES } from '../source/roles.ts';
import type { SqlSession } from '../source/sql.ts';
import type { Output } from './output.ts';

/**
 * `lookup migrate`: brings the schema to what this version needs. With `--roles`, also who may do what.
 * @throws what PostgreSQL says, when this login may not do that
 */
export async function migrate(
  session: SqlSession,
  { dryRun, roles }: { readonly dryRun: boolean; readonly roles?: boolean },
  output: Output,
): Promise<void> {
  const names = dryRun ? await pendingMigrations(session) : await run(session);
  for (const name of names) output.line(`${dryRun ? 'would run' : 'ran'} ${name}`);
  if (names.length === 0) output.line('nothing to run: the schema is what this version needs');
  const value = dryRun ? { pending: names, dry_run: true } : { ran: names };
  if (!roles) return output.json(value);
  const made = dryRun ? [] : await grantRoles(session);
  for (const [name, { meaning }] of Object.entries(ROLES)) {
    const done = dryRun ? 'would have' : made.includes(name) ? 'made' : 'was there';
    output.line(`role ${name} (${done}): ${meaning}`);
  }
  output.json({ ...value, roles: Object.keys(ROLES), roles_made: made });
}
