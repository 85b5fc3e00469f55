// How the operators' commands reach the embedded source of a running process: a socket in its folder, for its owner
// only. Lines of JSON, one request at a time: {sql, values} -> {rows} or {error}. "begin" holds the database until
// "commit", "rollback" or the end of the connection: PGlite has one session, and a reader that looked into another's
// open transaction would deliver changes that may never be (which is what its own socket server would do).

import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { insertInChunks } from './embedded.ts';
import type { SqlSession, SqlValue } from './sql.ts';

interface Request {
  readonly sql: string;
  readonly values?: readonly SqlValue[];
  /** exec: several statements, no values */
  readonly many?: boolean;
}

type Reply = { rows: unknown[] } | { error: string; code?: string };

const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

/** Socket paths are short (107 bytes): the shorter of the two ways to write it. */
function socketPath(dir: string): string {
  const path = join(dir, 'sql.sock');
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}

/** @param session makes a session for each connection */
export async function openDoor(
  dir: string,
  session: () => SqlSession,
): Promise<() => Promise<void>> {
  const path = socketPath(dir);
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    void serve(socket, session());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(path, { force: true });
  };
}

async function serve(socket: Socket, session: SqlSession): Promise<void> {
  const requests = createInterface({ input: socket })[Symbol.asyncIterator]();
  const next = async (): Promise<Request | undefined> => {
    const line = await requests.next();
    return line.done ? undefined : (JSON.parse(line.value) as Request);
  };
  try {
    for (;;) {
      const request = await next();
      if (!request) return;
      if (request.sql === 'begin') await serveTransaction(socket, session, next);
      else reply(socket, await perform(session, request));
    }
  } catch {
    socket.destroy();
  }
}

const ROLLBACK = Symbol('rollback');

async function serveTransaction(
  socket: Socket,
  session: SqlSession,
  next: () => Promise<Request | undefined>,
): Promise<void> {
  try {
    await session.transaction(async () => {
      reply(socket, { rows: [] });
      for (;;) {
        const request = await next();
        if (request?.sql === 'commit') return;
        if (!request || request.sql === 'rollback') throw ROLLBACK;
        reply(socket, await perform(session, request));
      }
    });
    reply(socket, { rows: [] });
  } catch (error) {
    reply(socket, error === ROLLBACK ? { rows: [] } : failure(error));
  }
}

async function perform(session: SqlSession, request: Request): Promise<Reply> {
  try {
    if (request.many) await session.exec(request.sql);
    else return { rows: await session.query(request.sql, (request.values ?? []).map(revive)) };
    return { rows: [] };
  } catch (error) {
    return failure(error);
  }
}

const failure = (error: unknown): Reply => ({
  error: (error as Error).message,
  code: String((error as { code?: unknown }).code ?? ''),
});

const replaceBytes = (_: string, value: unknown) => {
  const bytes = value as { type?: string; data?: number[] };
  if (bytes?.type === 'Buffer' && bytes.data)
    return { bytes: Buffer.from(bytes.data).toString('base64') };
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value;
};

const revive = (value: unknown): SqlValue =>
  typeof value === 'object' && value !== null && 'bytes' in value
    ? Buffer.from((value as { bytes: string }).bytes, 'base64')
    : (value as SqlValue);

function reply(socket: Socket, message: Reply): void {
  socket.write(`${JSON.stringify(message, replaceBytes)}\n`);
}

/** @returns undefined when no process serves this folder */
export async function enterDoor(dir: string): Promise<SqlSession | undefined> {
  const socket = connect(socketPath(dir));
  const open = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  if (!open) return undefined;
  socket.on('error', () => {});
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]();
  const ask = async (request: Request): Promise<unknown[]> => {
    const line = JSON.stringify(request, replaceBytes);
    if (line.length > REQUEST_BYTES_MAX)
      throw new Error('too large for one statement of the embedded source');
    socket.write(`${line}\n`);
    const answer = await replies.next();
    if (answer.done) throw new Error('the process that holds the embedded source has ended');
    const message = JSON.parse(answer.value) as Reply;
    if ('error' in message) throw Object.assign(new Error(message.error), { code: message.code });
    return message.rows.map((row) =>
      Object.fromEntries(
        Object.entries(row as object).map(([name, value]) => [name, revive(value)]),
      ),
    );
  };
  const query = async <Row>(sql: string, values: readonly SqlValue[] = []) =>
    (await ask({ sql, values })) as Row[];
  return {
    query,
    async exec(sql) {
      await ask({ sql, many: true });
    },
    async transaction(work) {
      await ask({ sql: 'begin' });
      try {
        const result = await work();
        await ask({ sql: 'commit' });
        return result;
      } catch (error) {
        await ask({ sql: 'rollback' }).catch(() => {});
        throw error;
      }
    },
    copyIn: (table, columns, rows) => insertInChunks(query, table, columns, rows),
    async close() {
      socket.end();
    },
  };
}
