// A service and a relay as the program makes them, each in a process of its own, over a run's own servers.

import { createSecretKey } from 'node:crypto';
import { systemClock } from '../clock.ts';
import { type Config, configWith } from '../config.ts';
import { startOps } from '../edge/ops.ts';
import { makeLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { RedisCluster } from '../redis/cluster.ts';
import { startRelay } from '../relay-service.ts';
import { startService } from '../service.ts';
import { PostgresSql } from '../source/postgres.ts';
import { ISSUER, SECRET } from './population.ts';

export interface SystemOptions {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly config?: Partial<Config>;
}

const log = makeLog('error');
const key = () => createSecretKey(Buffer.from(SECRET));

export const ISSUERS = [
  {
    issuer: ISSUER,
    name: 'bench',
    keys: [
      {
        kid: 'b1',
        alg: 'HS256' as const,
        verifying: key(),
        jwk: { kty: 'oct', kid: 'b1', k: Buffer.from(SECRET).toString('base64url') },
      },
    ],
  },
];
export const PHOTO_KEYS = [{ id: 'b1', secret: key() }];

const configOf = ({ config = {} }: SystemOptions) =>
  configWith({ httpPort: 0, grpcPort: 0, opsPort: 0, ...config });

export function openBenchRedis(url: string): RedisCluster {
  const { redisConnectTimeoutMs, redisSocketTimeoutMs } = configWith({});
  return new RedisCluster(
    {
      url,
      caFile: undefined,
      connectTimeoutMs: redisConnectTimeoutMs,
      socketTimeoutMs: redisSocketTimeoutMs,
    },
    log,
  );
}

export function openBenchSql(url: string, poolMax: number, timeoutMs: number): PostgresSql {
  return new PostgresSql({
    url,
    poolMax,
    statementTimeoutMs: timeoutMs,
    connectTimeoutMs: 1_000,
    applicationName: 'lookup-bench',
  });
}

export async function serviceServer(options: SystemOptions) {
  const config = configOf(options);
  const { postgresUrl } = options;
  const service = await startService({
    config,
    sql: {
      lookups: openBenchSql(postgresUrl, config.postgresPoolMax, config.sourceTimeoutHardMs),
      feed: openBenchSql(postgresUrl, 1, config.feedTimeoutMs),
      photos: openBenchSql(postgresUrl, 2, config.photoTimeoutMs),
    },
    issuers: ISSUERS,
    photoKeys: PHOTO_KEYS,
    clock: systemClock,
    log,
    redis: openBenchRedis(options.redisUrl),
  });
  await service.ready;
  return { http: service.httpPort, grpc: service.grpcPort, ops: service.opsPort };
}

export async function relayServer(options: SystemOptions) {
  const config = configOf(options);
  const sql = (timeoutMs: number) => openBenchSql(options.postgresUrl, 1, timeoutMs);
  const relay = startRelay({
    config,
    nodes: openBenchRedis(options.redisUrl),
    sql: {
      feed: sql(config.feedTimeoutMs),
      lease: sql(config.leaseMs),
      replays: sql(config.feedTimeoutMs),
    },
    clock: systemClock,
    log,
  });
  const metrics = new Metrics();
  metrics.add([...relay.readings]);
  const ops = await startOps({ notReady: () => relay.notReady(), metrics }, config);
  return { ops: ops.port };
}
