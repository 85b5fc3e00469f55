/** A value as the drivers take it; ids go as uuid text, 64-bit numbers as decimal text. */
export type SqlValue =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | readonly string[]
  | readonly number[];

/** One statement, named so that a driver may prepare it once a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/**
 * What the source, the outbox and the photos need of PostgreSQL: each call is one statement in a transaction of its
 * own. Every column comes back as text or null, bytea as bytes, json parsed by the caller.
 */
export interface Sql {
  query<Row>(
    statement: Statement,
    values: readonly SqlValue[],
    signal?: AbortSignal,
  ): Promise<Row[]>;
  close(): Promise<void>;
}

/** What migrations and the operators' commands need: a session with transactions. */
export interface SqlSession {
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
  /** Several statements, no values. */
  exec(text: string): Promise<void>;
  /** Commits when `work` returns, rolls back when it throws. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Appends rows to a table, as COPY where the server speaks it.
   * @param rows each with one value a column; null is NULL
   * @returns how many
   */
  copyIn(
    table: string,
    columns: readonly string[],
    rows: AsyncIterable<readonly (string | null)[]>,
  ): Promise<number>;
  close(): Promise<void>;
}

/** A session, for what asks by statements. Its owner closes it. */
export function sqlOf(session: Pick<SqlSession, 'query'>): Sql {
  return {
    query: ({ text }, values) => session.query(text, values),
    close: async () => {},
  };
}
