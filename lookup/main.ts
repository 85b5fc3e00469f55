// The processes: environment -> config, signals -> drain, exit code. Nothing else.

import { hostname } from 'node:os';
import { systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { readIssuers } from './edge/issuers.ts';
import { startOps } from './edge/ops.ts';
import { collectionReadings } from './life/collections.ts';
import { keepRegistered, reachableAt } from './life/register.ts';
import { type Log, makeLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { readPhotoKeys } from './photo/address.ts';
import type { RedisNodes } from './redis/nodes.ts';
import type { Registration } from './redis/processes.ts';
import { openRedis } from './redis-session.ts';
import { type RelayService, startRelay } from './relay-service.ts';
import { type Service, startService } from './service.ts';
import { PostgresSql } from './source/postgres.ts';

/** Something that is set must be there; says what and how. */
export class NotConfiguredError extends Error {
  override readonly name = 'NotConfiguredError';
}

/** `lookup serve`: answers from PostgreSQL, and runs until it is told to end. Demo keys are refused. */
export async function serve(
  env: Record<string, string | undefined>,
  { role }: { role: Role },
): Promise<void> {
  const config = readConfig(env);
  const log = makeLog(config.logLevel);
  const redis = openRedis(config, log);
  if (role !== 'lookup' && !redis) {
    throw new NotConfiguredError(`LOOKUP_REDIS_URL is not set: --role ${role} needs it`);
  }
  const relay = redis && role !== 'lookup' ? openRelay(config, redis, log) : undefined;
  if (relay && redis && role === 'relay') return relayAlone(config, relay, redis, log);
  const issuers = readIssuers(required(config, 'issuersFile'), { allowDemo: false });
  const photoKeys = readPhotoKeys(required(config, 'photoKeysFile'), { allowDemo: false });
  const pool = pools(config);
  const sql = {
    lookups: pool('lookups', config.postgresPoolMax, config.sourceTimeoutHardMs),
    // A large transaction is read in pieces; each may take longer than a lookup may.
    feed: pool('feed', 1, config.feedTimeoutMs),
    photos: pool('photos', 2, config.photoTimeoutMs),
  };
  const service = await startService({
    config,
    sql,
    issuers,
    photoKeys,
    clock: systemClock,
    log,
    ...(redis ? { redis } : {}),
    ...(relay ? { beside: relay } : {}),
  });
  const { httpPort, grpcPort, opsPort } = service;
  log.info({ http: httpPort, grpc: grpcPort, ops: opsPort }, 'listening');
  void service.ready.then(() => log.info('ready'));
  await untilTold(service);
}

/** What one process does: answer, carry the feed, or both. */
export type Role = Registration['role'];

function pools(config: Config) {
  const url = required(config, 'postgresUrl');
  return (name: string, poolMax: number, statementTimeoutMs: number) =>
    new PostgresSql({
      url,
      poolMax,
      statementTimeoutMs,
      connectTimeoutMs: config.postgresConnectTimeoutMs,
      applicationName: `lookup-${name}`,
    });
}

function openRelay(config: Config, redis: RedisNodes, log: Log): RelayService {
  const pool = pools(config);
  const sql = {
    feed: pool('relay', 1, config.feedTimeoutMs),
    lease: pool('relay-lease', 1, config.leaseMs),
    replays: pool('relay-replays', 1, config.feedTimeoutMs),
  };
  const service = startRelay({ config, nodes: redis, sql, clock: systemClock, log });
  return {
    ...service,
    async close() {
      await service.close();
      await Promise.all(Object.values(sql).map((one) => one.close()));
    },
  };
}

async function relayAlone(
  config: Config,
  relay: RelayService,
  redis: RedisNodes,
  log: Log,
): Promise<void> {
  let draining = false;
  const metrics = new Metrics();
  metrics.add([...collectionReadings(), ...relay.readings]);
  const notReady = () => (draining ? 'draining' : relay.notReady());
  const ops = await startOps({ notReady, metrics }, config);
  const leaveList = keepRegistered(redis, `${hostname()}:${ops.port}`, () => ({
    role: 'relay',
    ops: reachableAt(config.opsHost, ops.port),
    resolved: relay.relay.resolved,
  }));
  log.info({ ops: ops.port }, 'listening');
  await untilTold({
    async drain() {
      draining = true;
      await leaveList();
      await relay.close();
      await redis.close();
      await ops.close();
      log.info('drained');
    },
  });
}

function required(config: Config, name: 'issuersFile' | 'photoKeysFile' | 'postgresUrl'): string {
  const value = config[name];
  if (value) return value;
  const variable = `LOOKUP_${name.replaceAll(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
  throw new NotConfiguredError(
    `${variable} is not set: "lookup serve" needs it ("npm start" runs the demo, which does not)`,
  );
}

/** The first SIGTERM or SIGINT drains; a second ends at once. */
export async function untilTold(service: Pick<Service, 'drain'>): Promise<void> {
  await new Promise<void>((resolve) => {
    let told = false;
    const onSignal = () => {
      if (told) process.exit(130);
      told = true;
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  await service.drain();
}
