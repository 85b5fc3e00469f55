// A private PostgreSQL on a free port of this machine: what it takes to make one and to start it.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { type Kept, keep } from './keeper.ts';
import { findPostgres } from './needs.mjs';
import { lastingPorts } from './ports.ts';
import { until } from './wait.ts';

/** PostgreSQL refuses to run as root: then it is Debian's own user for it, else whoever is nobody here. */
export function postgresOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string, user: string) => {
    const args = [flag, user];
    return Number(
      execFileSync('id', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  };
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', user), gid: id('-g', user) };
    } catch {
      // No such user; the next.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody"');
}

function program(name: string): string {
  const bin = findPostgres();
  if (!bin) throw new Error('no PostgreSQL server here: "npm test" says what is missing');
  return join(bin, name);
}

function cleanEnv(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
}

/** Makes a cluster. Its one user is "test", with a password: it may do all, and others may be on this machine. */
async function makeCluster(dir: string, password: string): Promise<void> {
  const owner = postgresOwner();
  const passwordFile = join(dir, 'password');
  const log = join(dir, 'initdb.log');
  for (const [file, text] of [
    [passwordFile, password],
    [log, ''],
  ] as const) {
    writeFileSync(file, text, { mode: 0o600 });
    if (owner) chownSync(file, owner.uid, owner.gid);
  }
  const options = ['--no-sync', '--username=test', '--auth=scram-sha-256', '--encoding=UTF8'];
  const initdb = await keep({
    command: program('initdb'),
    args: [...options, '--locale=C', `--pwfile=${passwordFile}`, `-D${join(dir, 'template')}`],
    cwd: dir,
    env: cleanEnv(),
    log,
    ...owner,
  });
  const { code } = await initdb.ended;
  if (code !== 0) throw new Error(`initdb failed (${code}):\n${readFileSync(log, 'utf8')}`);
}

export interface Template {
  /** A cluster that was made and never started: copying it is faster than making one. */
  readonly templateDir: string;
  readonly password: string;
}

/** @param dir a held folder of {@link postgresOwner} */
export async function makeTemplate(dir: string): Promise<Template> {
  const password = randomBytes(16).toString('hex');
  await makeCluster(dir, password);
  return { templateDir: join(dir, 'template'), password };
}

export function copyCluster(templateDir: string, dataDir: string): void {
  cpSync(templateDir, dataDir, { recursive: true });
  const owner = postgresOwner();
  if (owner) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, dataDir]);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

export const urlOf = (port: number, password: string, database = 'postgres') =>
  `postgres://test:${password}@127.0.0.1:${port}/${database}`;

/** Whether it lets us in. */
export async function answers(url: string): Promise<true> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}

export interface ServerOptions {
  readonly dataDir: string;
  readonly password: string;
  /** PostgreSQL's own names, besides small defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where its log goes; without it, to a file beside the cluster. */
  readonly onOutput?: (text: string) => void;
}

/** Starts a server on a cluster and waits until it lets us in. */
export async function startCluster(options: ServerOptions, port: number): Promise<Kept> {
  const { dataDir, password, settings, onOutput } = options;
  const log = `${dataDir}.log`;
  writeFileSync(log, '', { flag: 'a' });
  const all = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: join(dataDir, '..'),
    max_connections: '100',
    shared_buffers: '32MB',
    max_wal_size: '256MB',
    autovacuum_naptime: '10s',
    ...settings,
  };
  let printed = '';
  const onText = (_: string, text: string) => {
    printed = (printed + text).slice(-PRINTED_MAX);
    onOutput?.(text);
  };
  const server = await keep({
    command: program('postgres'),
    args: [
      '-D',
      dataDir,
      ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: dataDir,
    env: cleanEnv(),
    ...(onOutput ? { onOutput: onText } : { log }),
    endBy: 'SIGQUIT',
    ...postgresOwner(),
  });
  await until(() => server.outcome() !== undefined || answers(urlOf(port, password)), {
    what: 'the private PostgreSQL lets us in',
    timeoutMs: 20_000,
    everyMs: 20,
  });
  if (server.outcome()) throw new PostgresDidNotStart(printed || readFileSync(log, 'utf8'));
  return server;
}

/** As much of its last words as an error needs. */
const PRINTED_MAX = 10_000;

export class PostgresDidNotStart extends Error {}

/** As {@link startCluster}, on a free port: another one when somebody was faster to take it. */
export async function startOnFreePort(
  options: ServerOptions,
): Promise<{ server: Kept; port: number }> {
  for (let tries = 1; ; tries++) {
    const [port = 0] = await lastingPorts(1);
    try {
      return { server: await startCluster(options, port), port };
    } catch (error) {
      if (!(error instanceof PostgresDidNotStart) || tries === 3) throw error;
    }
  }
}
