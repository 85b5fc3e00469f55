import type { SourceMs } from '../health-code.ts';
import { pendingMigrations } from '../source/migrate.ts';
import type { SqlSession } from '../source/sql.ts';

/** How the source is, as an operator wants to know it. Ages in seconds, by its own clock. */
export interface SourceState {
  /** Migrations that it lacks: then nothing else is known. */
  readonly pending: readonly string[];
  readonly people?: Count;
  readonly areas?: number;
  readonly outboxRows?: Count;
  /** Of anybody, as far as this user may see; undefined when there is none. */
  readonly oldestTransactionS?: number | undefined;
  /** Whoever follows the outbox writes one a second; undefined when nobody ever did. */
  readonly historyTokenAgeS?: number | undefined;
  /** Its own clock. */
  readonly nowMs?: SourceMs;
  readonly epoch?: string;
  /** Which relay may lead, as the source has it; undefined when none ever did. */
  readonly lease?: { readonly term: number; readonly heldForS: number } | undefined;
}

export interface Count {
  readonly count: number;
  /** False for a large table: as PostgreSQL estimates it. */
  readonly exact: boolean;
}

type SourceRow = Record<
  'areas' | 'oldest' | 'token' | 'now' | 'source_epoch' | 'term' | 'held',
  string | null
>;

/** Counting more takes longer than the answer is worth. */
const COUNTED_MAX = 1_000_000;

export async function readSourceState(session: SqlSession): Promise<SourceState> {
  const pending = await pendingMigrations(session);
  if (pending.length > 0) return { pending };
  const people = await countOf(session, 'person');
  const outboxRows = await countOf(session, 'outbox');
  // Last: ages are told by its clock.
  const [row] = await session.query<SourceRow>(
    `select (select count(*) from area)::text as areas,
      (select extract(epoch from max(clock_timestamp() - xact_start)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid())::text as oldest,
      (select extract(epoch from clock_timestamp() - max(written_at)) from history_token)::text as token,
      floor(extract(epoch from now()) * 1000)::text as now, lookup_source_epoch() as source_epoch,
      (select term from relay_lease)::text as term,
      (select extract(epoch from held_until - now()) from relay_lease)::text as held`,
  );
  return {
    pending,
    people,
    areas: Number(row?.areas),
    outboxRows,
    oldestTransactionS: row?.oldest == null ? undefined : Math.max(0, Number(row.oldest)),
    historyTokenAgeS: row?.token == null ? undefined : Math.max(0, Number(row.token)),
    nowMs: Number(row?.now),
    epoch: row?.source_epoch ?? '',
    lease: row?.term == null ? undefined : { term: Number(row.term), heldForS: Number(row.held) },
  };
}

/**
 * People whose subject comes after one, by its order in the source: as the planner estimates it, where they are many.
 * @param after as uuid
 */
export async function countAfter(session: SqlSession, after: string): Promise<number> {
  const [estimate] = await session.query<Record<string, unknown>>(
    `explain (format json) select from person where subject > '${after}'::uuid`,
  );
  const [plan] = Object.values(estimate ?? {}).map(planOf);
  if ((plan ?? 0) > COUNTED_MAX) return plan as number;
  const [counted] = await session.query<{ rows: string }>(
    'select count(*)::text as rows from person where subject > $1::uuid',
    [after],
  );
  return Number(counted?.rows);
}

/** @param json as a driver gives it: text, or read already */
function planOf(json: unknown): number {
  const [top] = (typeof json === 'string' ? JSON.parse(json) : json) as {
    Plan: { 'Plan Rows': number };
  }[];
  return top?.Plan['Plan Rows'] ?? 0;
}

async function countOf(session: SqlSession, table: 'person' | 'outbox'): Promise<Count> {
  const [estimate] = await session.query<{ rows: string }>(
    'select reltuples::bigint::text as rows from pg_class where oid = $1::text::regclass',
    [table],
  );
  const estimated = Number(estimate?.rows);
  if (estimated > COUNTED_MAX) return { count: estimated, exact: false };
  const [counted] = await session.query<{ rows: string }>(
    `select count(*)::text as rows from ${table}`,
  );
  return { count: Number(counted?.rows), exact: true };
}
