// The PostgreSQL of one run, and its Redis Cluster if it needs one, on free ports, in a process of their own: it ends
// them when whoever started it is gone, however that went.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackingPlaces } from './backing-process.ts';
import { type Programs, postgresOwner } from './programs.ts';

const MASTERS = 3;
/** Redis's own rule: where the nodes of a cluster talk to each other. */
const BUS_ABOVE = 10_000;
const STARTS_WITHIN_MS = 30_000;

const programs = JSON.parse(process.argv[2] as string) as Programs;
const dir = mkdtempSync(join(tmpdir(), 'lookup-bench-servers-'));
chmodSync(dir, 0o755);
const children: { child: ChildProcess; endBy: NodeJS.Signals }[] = [];
let ending = false;

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  const ended = children.map(({ child, endBy }) => {
    if (child.exitCode !== null || child.signalCode !== null) return undefined;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill(endBy);
    return exit;
  });
  await Promise.all(ended);
  rmSync(dir, { recursive: true, force: true });
  process.exit(0);
}

/** Whatever is told to the whole group ends our parent, and we end when it has. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => void end());

function start(
  program: string,
  args: readonly string[],
  endBy: NodeJS.Signals,
  owner: { uid: number; gid: number } | undefined,
): ChildProcess {
  if (ending) throw new Error('ending');
  const child = spawn(program, args, { cwd: dir, stdio: 'ignore', detached: true, ...owner });
  children.push({ child, endBy });
  return child;
}

async function until(what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> {
  const began = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - began > STARTS_WITHIN_MS) throw new Error(`not in time: ${what}`);
    await sleep(50);
  }
}

const succeeds = (program: string, args: readonly string[], env = {}) => {
  try {
    return execFileSync(program, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...env },
    });
  } catch {
    return undefined;
  }
};

/** @returns it; undefined when somebody has it */
function listenOn(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address() as { port: number };
      server.close(() => resolve(address.port));
    });
  });
}

async function freePort(isGood: (port: number) => unknown = () => true): Promise<number> {
  for (;;) {
    const port = await listenOn(0);
    if (port !== undefined && (await isGood(port))) return port;
  }
}

/** @returns its URL */
async function startPostgres(): Promise<string> {
  const owner = postgresOwner();
  const data = join(dir, 'postgres');
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(dir, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  mkdirSync(data, { mode: 0o700 });
  if (owner) for (const path of [data, passwordFile]) chownSync(path, owner.uid, owner.gid);
  const initdb = start(
    join(programs.postgresBin, 'initdb'),
    [
      ...['--no-sync', '--username=bench', '--auth=scram-sha-256', '--encoding=UTF8'],
      ...['--locale=C', `--pwfile=${passwordFile}`, `-D${data}`],
    ],
    'SIGKILL',
    owner,
  );
  await new Promise((resolve) => initdb.once('exit', resolve));
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: data,
    shared_buffers: '256MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = start(
    join(programs.postgresBin, 'postgres'),
    [`-D${data}`, ...args],
    'SIGQUIT',
    owner,
  );
  const ready = join(programs.postgresBin, 'pg_isready');
  await until('PostgreSQL is ready', () => {
    if (server.exitCode !== null) throw new Error('PostgreSQL did not start');
    return succeeds(ready, ['-q', '-h127.0.0.1', `-p${port}`]) !== undefined;
  });
  return `postgres://bench:${password}@127.0.0.1:${port}/postgres`;
}

async function startRedis({ server, cli }: NonNullable<Programs['redis']>) {
  const ports: number[] = [];
  const isGood = (port: number) =>
    port + BUS_ABOVE < 65_536 && !ports.includes(port) && listenOn(port + BUS_ABOVE);
  while (ports.length < MASTERS) ports.push(await freePort(isGood));
  const servers = ports.map((port) => {
    const own = join(dir, String(port));
    mkdirSync(own);
    const settings = {
      port,
      bind: '127.0.0.1',
      dir: own,
      'cluster-enabled': 'yes',
      'cluster-node-timeout': 15_000,
      'hash-max-listpack-entries': 512,
      'hash-max-listpack-value': 128,
      save: '',
      appendonly: 'no',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    return start(server, args, 'SIGKILL', undefined);
  });
  const ask = (port: number, ...args: string[]) => succeeds(cli, ['-p', `${port}`, ...args]);
  await until('Redis answers', () => ports.every((port) => ask(port, 'PING')?.includes('PONG')));
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  const made = ['--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes'];
  if (succeeds(cli, made) === undefined) throw new Error('no Redis Cluster was made');
  await until('the cluster is whole', () =>
    ports.every((port) => ask(port, 'CLUSTER', 'INFO')?.includes('cluster_state:ok')),
  );
  return {
    url: `redis://${addresses.join(',')}`,
    pids: servers.map((server) => server.pid as number),
  };
}

try {
  const { redis: installed } = programs;
  const [postgresUrl, redis] = await Promise.all([
    startPostgres(),
    installed ? startRedis(installed) : undefined,
  ]);
  const places: BackingPlaces = redis ? { postgresUrl, redis } : { postgresUrl };
  process.send?.(places);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.disconnect?.();
  await end();
}
