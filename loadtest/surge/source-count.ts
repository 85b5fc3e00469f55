// What the services ask of the source, counted there by their login: they do not judge themselves.

import pg from 'pg';
import { LOGINS } from '../rig/logins.ts';

/** For the rig's PostgreSQL. */
export const SOURCE_SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.max': '1000',
};

export interface SourceCount {
  /** Statements that the services have had answered so far. */
  readonly queries: number;
  /** At once, most since the last count. */
  readonly inFlight: number;
}

export interface SourceCounter {
  /** @throws when it could not be asked, now or at a look since the last count */
  count(): Promise<SourceCount>;
  stop(): Promise<void>;
}

const IN_FLIGHT_EVERY_MS = 100;
const QUERIES = `select coalesce(sum(calls), 0)::text as queries from pg_stat_statements where userid = $1::regrole`;
const IN_FLIGHT = `select count(*)::text as busy from pg_stat_activity where usename = $1 and state = 'active'`;

export async function countSource(url: string): Promise<SourceCounter> {
  const client = new pg.Client({ connectionString: url, application_name: 'loadtest-count' });
  // A source that goes away is seen by the next count.
  client.on('error', () => {});
  await client.connect();
  await client.query('create extension if not exists pg_stat_statements');
  let most = 0;
  let missed: unknown;
  let looking = Promise.resolve();
  const look = async () => {
    const { rows } = await client.query<{ busy: string }>(IN_FLIGHT, [LOGINS.lookup]);
    most = Math.max(most, Number(rows[0]?.busy));
  };
  const timer = setInterval(() => {
    looking = looking.then(look).catch((error) => {
      missed = error;
    });
  }, IN_FLIGHT_EVERY_MS);
  return {
    async count() {
      const { rows } = await client.query<{ queries: string }>(QUERIES, [LOGINS.lookup]);
      const inFlight = most;
      const failure = missed;
      most = 0;
      missed = undefined;
      if (failure !== undefined) throw failure;
      return { queries: Number(rows[0]?.queries), inFlight };
    },
    async stop() {
      clearInterval(timer);
      await looking;
      await client.end().catch(() => {});
    },
  };
}
