// The only file that knows the pg driver.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Sql, SqlSession, SqlValue, Statement } from './sql.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly poolMax: number;
  readonly connectTimeoutMs: number;
  /** The server ends a statement that takes longer. */
  readonly statementTimeoutMs: number;
  readonly applicationName: string;
}

/** One array parameter, one plan: the driver's own array literal is what PostgreSQL takes. */
const toDriver = (values: readonly SqlValue[]) =>
  values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value));

/**
 * A pool in which a connection that failed or timed out is destroyed, never handed on: node-postgres itself puts a
 * client whose query timed out back among the idle ones (its issue #3399), and the next query waits behind the dead
 * one.
 */
export class PostgresSql implements Sql {
  readonly #pool: pg.Pool;

  constructor(options: PostgresOptions) {
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.poolMax,
      connectionTimeoutMillis: options.connectTimeoutMs,
      statement_timeout: options.statementTimeoutMs,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      application_name: options.applicationName,
    });
    // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
    this.#pool.on('error', () => {});
    // The pool listens only to clients that are idle: a goodbye of the server to one that is in use, or is just being
    // given up, would end this process. What it means is seen by the query, or by the next.
    this.#pool.on('connect', (client) => {
      client.on('error', () => {});
    });
  }

  async query<Row>(
    statement: Statement,
    values: readonly SqlValue[],
    signal?: AbortSignal,
  ): Promise<Row[]> {
    signal?.throwIfAborted();
    const client = await this.#connect(signal);
    let released = false;
    const release = (destroy: boolean) => {
      if (!released) client.release(destroy);
      released = true;
    };
    const aborted = abortOf(signal, () => release(true));
    try {
      const answer = client.query({
        name: statement.name,
        text: statement.text,
        values: toDriver(values),
      });
      const result = await (aborted ? Promise.race([answer, aborted.promise]) : answer);
      release(false);
      return result.rows as Row[];
    } catch (error) {
      release(!isStatementError(error));
      throw error;
    } finally {
      aborted?.dispose();
    }
  }

  /** A caller that leaves while a connection is being made gives it back unused. */
  async #connect(signal: AbortSignal | undefined): Promise<pg.PoolClient> {
    const connecting = this.#pool.connect();
    const aborted = abortOf(signal, () => {
      connecting.then(
        (client) => client.release(),
        () => {},
      );
    });
    if (!aborted) return connecting;
    try {
      return await Promise.race([connecting, aborted.promise]);
    } finally {
      aborted.dispose();
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function abortOf(signal: AbortSignal | undefined, onAbort: () => void) {
  if (!signal) return undefined;
  let listener = () => {};
  const promise = new Promise<never>((_, reject) => {
    listener = () => {
      onAbort();
      reject(signal.reason);
    };
    signal.addEventListener('abort', listener, { once: true });
  });
  promise.catch(() => {});
  return { promise, dispose: () => signal.removeEventListener('abort', listener) };
}

/** The server refused the statement and said so: the connection itself is sound. */
function isStatementError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  // Class 57 is the server going away or giving up on the statement.
  return error instanceof pg.DatabaseError && typeof code === 'string' && !code.startsWith('57');
}

/** One connection with transactions, for migrations and the operators' commands. */
export async function openPostgresSession(
  url: string,
  connectTimeoutMs = 5_000,
): Promise<SqlSession> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'lookup-admin',
    keepAlive: true,
  });
  client.on('error', () => {});
  await client.connect();
  const query = async <Row>(text: string, values: readonly SqlValue[] = []) =>
    (await client.query(text, toDriver(values))).rows as Row[];
  return {
    query,
    async exec(text) {
      await client.query(text);
    },
    async transaction(work) {
      await client.query('begin');
      try {
        const result = await work();
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch(() => {});
        throw error;
      }
    },
    async copyIn(table, columns, rows) {
      const stream = client.query(copyFrom(`copy ${table} (${columns.join(', ')}) from stdin`));
      let count = 0;
      async function* lines() {
        let chunk: string[] = [];
        for await (const row of rows) {
          count++;
          chunk.push(copyLine(row));
          if (chunk.length === 512) {
            yield chunk.join('');
            chunk = [];
          }
        }
        yield chunk.join('');
      }
      await pipeline(Readable.from(lines(), { objectMode: true, highWaterMark: 4 }), stream);
      return count;
    },
    close: () => client.end(),
  };
}

const COPY_SPECIAL = /[\\\t\n\r]/g;
const COPY_ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

/** One line of COPY's text format. */
function copyLine(row: readonly (string | null)[]): string {
  let line = '';
  for (let i = 0; i < row.length; i++) {
    const value = row[i] as string | null;
    if (i > 0) line += '\t';
    line += value === null ? '\\N' : value.replace(COPY_SPECIAL, (c) => COPY_ESCAPES[c] as string);
  }
  return `${line}\n`;
}
