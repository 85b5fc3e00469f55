// A private PostgreSQL to stop, kill, pause, restart and restore.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dropFolder, heldFolder } from './keeper.ts';
import {
  copyCluster,
  postgresOwner,
  type ServerOptions,
  startCluster,
  startOnFreePort,
  type Template,
  urlOf,
} from './postgres-server.ts';

/** It keeps its port. */
export interface OwnPostgres {
  /** Superuser on an empty database. */
  readonly url: string;
  readonly dataDir: string;
  /** Of the postmaster that runs now, or ran last. */
  readonly pid: number;
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
  /** Ends it and removes its files. */
  discard(): Promise<void>;
}

export interface PostgresOptions extends Pick<ServerOptions, 'settings' | 'onOutput'> {
  /** A free one, unless told. */
  readonly port?: number;
}

/** @param template copied; it must not run */
export async function startPostgres(
  template: Template,
  { port: given, settings = {}, onOutput }: PostgresOptions = {},
): Promise<OwnPostgres> {
  const { templateDir, password } = template;
  const dir = heldFolder(postgresOwner());
  const dataDir = join(dir, 'data');
  copyCluster(templateDir, dataDir);
  const options = { dataDir, password, settings, ...(onOutput && { onOutput }) };
  const first = given
    ? { server: await startCluster(options, given), port: given }
    : await startOnFreePort(options);
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
    get pid() {
      return server.pid;
    },
    stop: (mode) => end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT'),
    async start() {
      if (server.outcome()) server = await startCluster(options, port);
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
      return startPostgres({ templateDir: dataDir, password }, { settings });
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
      await end('SIGQUIT');
      await dropFolder(dir);
    },
  };
  return postgres;
}

/** The postmaster and all that serve under it (Linux). */
export function familyOf(pid: number): number[] {
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
