// PostgreSQL in WebAssembly, for the demo and for a first look. One session, one process: everything waits its turn.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import type { Sql, SqlSession, SqlValue, Statement } from './sql.ts';

/** Another process has this folder open. Two would destroy it. */
export class FolderInUseError extends Error {
  constructor(dir: string, pid: number) {
    super(`${dir} is in use by process ${pid}: end it, or set LOOKUP_DATA_DIR to another folder`);
    this.name = 'FolderInUseError';
  }
}

export interface Embedded {
  readonly sql: Sql;
  /** A session of its own over the same database: its transactions keep the others waiting. */
  session(): SqlSession;
  close(): Promise<void>;
}

/** @param dir kept between runs; undefined keeps nothing (tests) */
export async function openEmbedded(dir?: string): Promise<Embedded> {
  const unlock = dir === undefined ? () => {} : lockFolder(dir);
  try {
    const db = await (dir === undefined ? PGlite.create() : PGlite.create(join(dir, 'postgres')));
    return {
      sql: new EmbeddedSql(db),
      session: () => embeddedSession(db),
      async close() {
        await db.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

class EmbeddedSql implements Sql {
  readonly #db: PGlite;

  constructor(db: PGlite) {
    this.#db = db;
  }

  async query<Row>(
    statement: Statement,
    values: readonly SqlValue[],
    signal?: AbortSignal,
  ): Promise<Row[]> {
    signal?.throwIfAborted();
    const answer = this.#db.query<Row>(statement.text, values as unknown[]);
    if (!signal) return (await answer).rows;
    return new Promise((resolve, reject) => {
      const left = () => reject(signal.reason);
      signal.addEventListener('abort', left, { once: true });
      answer
        .then((result) => resolve(result.rows), reject)
        .finally(() => signal.removeEventListener('abort', left));
    });
  }

  async close(): Promise<void> {}
}

function embeddedSession(db: PGlite): SqlSession {
  let inside: Transaction | undefined;
  const query = async <Row>(text: string, values: readonly SqlValue[] = []) =>
    (await (inside ?? db).query<Row>(text, values as unknown[])).rows;
  return {
    query,
    async exec(text) {
      await (inside ?? db).exec(text);
    },
    async transaction(work) {
      return db.transaction(async (transaction) => {
        inside = transaction;
        try {
          return await work();
        } finally {
          inside = undefined;
        }
      });
    },
    // PGlite takes COPY from memory only; arrays of rows by unnest cost little more and need no bound of their own.
    copyIn: (table, columns, rows) => insertInChunks(query, table, columns, rows),
    async close() {},
  };
}

const CHUNK_ROWS = 1_000;

export async function insertInChunks(
  query: SqlSession['query'],
  table: string,
  columns: readonly string[],
  rows: AsyncIterable<readonly (string | null)[]>,
): Promise<number> {
  let count = 0;
  let chunk: (readonly (string | null)[])[] = [];
  const flush = async () => {
    if (chunk.length === 0) return;
    // As JSON: one text parameter, whatever the columns' types are.
    const record = chunk.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
    const names = columns.join(', ');
    await query(
      `insert into ${table} (${names}) select ${names} from json_populate_recordset(null::${table}, $1::json)`,
      [JSON.stringify(record)],
    );
    count += chunk.length;
    chunk = [];
  };
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length === CHUNK_ROWS) await flush();
  }
  await flush();
  return count;
}

/** A file with the owner's process id; one left by a dead process is taken over. */
function lockFolder(dir: string): () => void {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'lock');
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(readFileSync(path, 'utf8'));
      if (owner !== process.pid && isRunning(owner)) throw new FolderInUseError(dir, owner);
      rmSync(path, { force: true });
    }
  }
  throw new Error(`${path} cannot be taken: remove it if no lookup process runs`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
