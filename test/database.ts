import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { dropFolder, heldFolder } from './keeper.ts';
import {
  copyCluster,
  postgresOwner,
  startCluster,
  startOnFreePort,
  urlOf,
} from './postgres-server.ts';

async function admin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgres').adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** An empty database on the run's own server; `drop` throws out whoever is still connected. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await admin(`create database ${name} template template0`);
  const { port, password } = inject('postgres');
  return {
    url: urlOf(port, password, name),
    drop: () => admin(`drop database if exists ${name} with (force)`),
  };
}

/** A PostgreSQL of one test's own, to stop, kill, pause and restart. It keeps its port. */
export interface OwnPostgres {
  /** Superuser on an empty database. */
  readonly url: string;
  readonly dataDir: string;
  /** fast: ends sessions and says goodbye; immediate: as if it had crashed. Resolves when it has ended. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** After a stop or kill9. */
  start(): Promise<void>;
  kill9(): Promise<void>;
  /** Nobody in it runs, and no connection breaks: a machine that hangs. */
  pause(): void;
  resume(): void;
  /** A copy of what it holds as a server of its own: a restored backup. The original must be stopped. */
  copy(): Promise<OwnPostgres>;
  /** Keeps what it holds now, for `restore`. It is stopped for it, and started again. */
  backup(): Promise<void>;
  /** An older copy of itself, at the same place. */
  restore(): Promise<void>;
  /** Ends it and removes its files; done after the test file in any case. */
  discard(): Promise<void>;
}

const own = new Set<OwnPostgres>();
afterAll(async () => {
  await Promise.all([...own].map((server) => server.discard()));
});

/** @param settings PostgreSQL's own names, besides the small defaults of the run's server */
export async function startOwnPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnPostgres> {
  return startFrom(inject('postgres').templateDir, settings);
}

async function startFrom(
  templateDir: string,
  settings: Readonly<Record<string, string>>,
): Promise<OwnPostgres> {
  const { password } = inject('postgres');
  const dir = heldFolder(postgresOwner());
  const dataDir = join(dir, 'data');
  copyCluster(templateDir, dataDir);
  const first = await startOnFreePort(dataDir, password, settings);
  const { port } = first;
  let server = first.server;
  const end = async (signal: NodeJS.Signals) => {
    if (server.outcome()) return;
    const family = familyOf(server.pid);
    server.kill(signal);
    signalAll(family, 'SIGCONT');
    await server.ended;
  };
  const postgres: OwnPostgres = {
    url: urlOf(port, password),
    dataDir,
    stop: (mode) => end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT'),
    async start() {
      if (server.outcome()) server = await startCluster(dataDir, port, password, settings);
    },
    async kill9() {
      if (!server.outcome()) signalAll(familyOf(server.pid), 'SIGKILL');
      await server.ended;
    },
    pause() {
      if (!server.outcome()) signalAll(familyOf(server.pid), 'SIGSTOP');
    },
    resume() {
      if (!server.outcome()) signalAll(familyOf(server.pid), 'SIGCONT');
    },
    copy() {
      if (!server.outcome())
        throw new Error('stop it first: a running cluster is not copied whole');
      return startFrom(dataDir, settings);
    },
    async backup() {
      await end('SIGINT');
      copyCluster(dataDir, `${dataDir}.backup`);
      await postgres.start();
    },
    async restore() {
      await end('SIGQUIT');
      rmSync(dataDir, { recursive: true });
      copyCluster(`${dataDir}.backup`, dataDir);
      await postgres.start();
    },
    async discard() {
      own.delete(postgres);
      await end('SIGQUIT');
      await dropFolder(dir);
    },
  };
  own.add(postgres);
  return postgres;
}

/** The postmaster and all that serve under it (Linux). */
function familyOf(pid: number): number[] {
  const family = [pid];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid)
        family.push(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return family;
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Already gone.
    }
  }
}
