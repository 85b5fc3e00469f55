// Redis as a process opens it, and as an operators' command does: reached before it is used, and closed after.

import { setTimeout as pause } from 'node:timers/promises';
import { CommandError } from './admin/output.ts';
import type { Config } from './config.ts';
import { type Log, noLog } from './log.ts';
import { parseRedisUrl, RedisCluster, RedisUrlError } from './redis/cluster.ts';
import type { RedisNodes } from './redis/nodes.ts';

export type RedisConfig = Pick<
  Config,
  'redisUrl' | 'redisCaFile' | 'redisConnectTimeoutMs' | 'redisSocketTimeoutMs'
>;

/**
 * @returns undefined when none is set
 * @throws RedisUrlError
 */
export function openRedis(config: RedisConfig, log: Log): RedisNodes | undefined {
  if (!config.redisUrl) return undefined;
  const { redisUrl: url, redisCaFile: caFile } = config;
  const { redisConnectTimeoutMs: connectTimeoutMs, redisSocketTimeoutMs: socketTimeoutMs } = config;
  try {
    return new RedisCluster({ url, caFile, connectTimeoutMs, socketTimeoutMs }, log);
  } catch (error) {
    if (error instanceof RedisUrlError) throw wrongUrl(error);
    throw error;
  }
}

const wrongUrl = ({ message }: RedisUrlError) => new RedisUrlError(`LOOKUP_REDIS_URL ${message}`);

const REACHED_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 20;

/**
 * Opens it, waits until it is reached, does the work and closes it, however that ends.
 * @param work given undefined when none is set; a master may be away
 * @throws RedisUrlError; CommandError (1) when no master can be reached
 */
export async function withRedisNodes<T>(
  config: RedisConfig,
  work: (nodes: RedisNodes | undefined) => Promise<T>,
): Promise<T> {
  if (!config.redisUrl) return work(undefined);
  let reason = 'no answer';
  const log: Log = {
    ...noLog,
    warn(about: unknown) {
      reason = (about as { err?: Error }).err?.message ?? reason;
    },
  };
  const nodes = openRedis(config, log) as RedisNodes;
  const where = placeOf(config.redisUrl);
  try {
    await reached(nodes);
    if (!nodes.masters.some(({ connected }) => connected))
      throw new CommandError(
        `Redis at ${where} (LOOKUP_REDIS_URL) cannot be reached: ${reason}`,
        1,
      );
    return await work(nodes);
  } finally {
    await nodes.close();
  }
}

/** As {@link withRedisNodes}, for a command that is nothing without. @param what the command, as it is typed */
export function withRequiredRedis<T>(
  config: RedisConfig,
  what: string,
  work: (nodes: RedisNodes) => Promise<T>,
): Promise<T> {
  return withRedisNodes(config, (nodes) => {
    if (nodes) return work(nodes);
    throw new CommandError(`LOOKUP_REDIS_URL is not set: "${what}" needs it`, 2);
  });
}

/** Without user and password, which are nobody's business. */
const placeOf = (url: string) =>
  parseRedisUrl(url)
    .nodes.map(({ host, port }) => `${host}:${port}`)
    .join(',');

/** Or as many masters as there are by the end of the time. */
async function reached(nodes: RedisNodes): Promise<void> {
  const until = performance.now() + REACHED_WITHIN_MS;
  const all = () => nodes.masters.length > 0 && nodes.masters.every(({ connected }) => connected);
  while (!all() && performance.now() < until) await pause(LOOK_EVERY_MS);
}
