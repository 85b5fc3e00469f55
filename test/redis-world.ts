// The whole system in one process: services and relays over a real PostgreSQL and a real Redis Cluster.

import { systemClock } from '../lookup/clock.ts';
import { type Config, configWith } from '../lookup/config.ts';
import { RedisCluster } from '../lookup/redis/cluster.ts';
import type { RedisNodes } from '../lookup/redis/nodes.ts';
import { type RelayService, startRelay } from '../lookup/relay-service.ts';
import { PostgresSql } from '../lookup/source/postgres.ts';
import { openPostgresWorld, type PostgresWorld } from './postgres-world.ts';
import type { RedisCluster as OwnCluster } from './redis-cluster.ts';
import { keptLog, type LogLine, type Running, type StartOptions, Switch } from './service.ts';

export interface RunningRelay {
  readonly service: RelayService;
  readonly log: readonly LogLine[];
  readonly doors: Readonly<Record<'feed' | 'lease' | 'replays', Switch>>;
  stop(): Promise<void>;
}

export interface RedisWorld extends Omit<PostgresWorld, 'start'> {
  /** A client of its own, as each process has. */
  connectRedis(): RedisNodes;
  start(options?: StartOptions): Promise<Running>;
  relay(config?: Partial<Config>): RunningRelay;
}

/** Quick where a test would wait for a default, and patient where it shares two cores with many others. */
const QUICK: Partial<Config> = {
  redisWarmMs: 0,
  leaseMs: 1_000,
  redisTimeoutSoftMs: 250,
  redisTimeoutHardMs: 1_000,
  sourceTimeoutHardMs: 1_500,
  deadlineHttpMs: 2_000,
  deadlineGrpcMs: 2_000,
};

/** @param url an empty database */
export async function openRedisWorld(
  url: string,
  redis: Pick<OwnCluster, 'url'>,
): Promise<RedisWorld> {
  const world = await openPostgresWorld(url);
  const clients: RedisNodes[] = [];
  const relays: RunningRelay[] = [];
  const connectRedis = () => {
    const { log } = keptLog();
    const options = { url: redis.url, caFile: undefined };
    const client = new RedisCluster(
      { ...options, connectTimeoutMs: 500, socketTimeoutMs: 500 },
      log,
    );
    clients.push(client);
    return client;
  };
  return {
    ...world,
    connectRedis,
    start: (options = {}) =>
      world.start({ redis: connectRedis(), ...options, config: { ...QUICK, ...options.config } }),
    relay(config = {}) {
      const door = (name: string) =>
        new Switch(
          new PostgresSql({
            url,
            poolMax: 1,
            statementTimeoutMs: 5_000,
            connectTimeoutMs: 1_000,
            applicationName: `test-${name}`,
          }),
        );
      const doors = { feed: door('relay'), lease: door('lease'), replays: door('replays') };
      const { lines, log } = keptLog();
      const nodes = connectRedis();
      const service = startRelay({
        config: configWith({ ...QUICK, ...config }),
        nodes,
        sql: doors,
        clock: systemClock,
        log,
      });
      let stopping: Promise<void> | undefined;
      const relay = {
        service,
        log: lines,
        doors,
        stop() {
          stopping ??= (async () => {
            await service.close();
            await Promise.all(Object.values(doors).map((one) => one.close()));
          })();
          return stopping;
        },
      };
      relays.push(relay);
      return relay;
    },
    async close() {
      await world.close();
      await Promise.all(relays.map((one) => one.stop()));
      await Promise.all(clients.map((one) => one.close()));
    },
  };
}
