// The real service over a real PostgreSQL, for tests that stop it, pause it and bring it back.

import { migrate } from '../lookup/source/migrate.ts';
import { openPostgresSession, PostgresSql } from '../lookup/source/postgres.ts';
import type { SqlSession } from '../lookup/source/sql.ts';
import { type Keys, makeKeys, type Running, Switch, startRunning, Writer } from './service.ts';

export interface PostgresWorld extends Keys {
  /** A writer on a session of its own. */
  connect(): Promise<Writer>;
  /** A service with its own pools, as `lookup serve` makes them. */
  start(options?: Parameters<typeof startRunning>[2]): Promise<Running>;
  /** Drains what still runs and closes what was connected. */
  close(): Promise<void>;
}

/** @param url an empty database */
export async function openPostgresWorld(url: string): Promise<PostgresWorld> {
  const keys = await makeKeys();
  const sessions: SqlSession[] = [];
  const running: Running[] = [];
  const connect = async () => {
    const session = await openPostgresSession(url);
    sessions.push(session);
    return new Writer(session);
  };
  const door = (name: string, poolMax: number, statementTimeoutMs: number) =>
    new Switch(
      new PostgresSql({
        url,
        poolMax,
        statementTimeoutMs,
        connectTimeoutMs: 1_000,
        applicationName: `test-${name}`,
      }),
    );
  await migrate((await connect()).session);
  return {
    ...keys,
    connect,
    async start(options = {}) {
      const doors = {
        lookups: door('lookups', 8, options.config?.sourceTimeoutHardMs ?? 180),
        feed: door('feed', 1, 5_000),
        photos: door('photos', 2, 1_000),
      };
      const started = await startRunning(keys, doors, options);
      running.push(started);
      return started;
    },
    async close() {
      await Promise.all(running.map((one) => one.stop()));
      await Promise.all(sessions.map((session) => session.close().catch(() => {})));
    },
  };
}
