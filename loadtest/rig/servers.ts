// What the built program stands on: its source and its second layer.

import { dropFolder, heldFolder } from '../../test/keeper.ts';
import { type OwnPostgres, startPostgres } from '../../test/own-postgres.ts';
import { makeTemplate, postgresOwner } from '../../test/postgres-server.ts';
import { type RedisCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { byLine } from './lines.ts';
import type { RigOptions } from './rig.ts';

type Undo = (() => Promise<unknown>)[];

export async function startSource(
  { postgres, onLine }: RigOptions,
  port: number,
  undo: Undo,
): Promise<OwnPostgres> {
  const dir = heldFolder(postgresOwner());
  try {
    const source = await startPostgres(await makeTemplate(dir), {
      port,
      settings: { shared_buffers: '128MB', max_wal_size: '1GB', ...postgres?.settings },
      ...(onLine && { onOutput: byLine((line) => onLine('postgres', line)) }),
    });
    undo.push(() => source.discard());
    return source;
  } finally {
    await dropFolder(dir);
  }
}

export async function startRedis(
  { redis, onLine }: RigOptions,
  ports: readonly number[],
  undo: Undo,
): Promise<RedisCluster> {
  const tell = ports.map((_, i) => byLine((line) => onLine?.(`redis-${i + 1}`, line)));
  const cluster = await startRedisCluster({
    replicas: 3,
    ...redis,
    ports,
    ...(onLine && { onOutput: (index, text) => tell[index]?.(text) }),
  });
  undo.push(() => cluster.discard());
  return cluster;
}
