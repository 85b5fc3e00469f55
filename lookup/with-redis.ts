// What a process that answers has more when there is a Redis: a layer, the feed's stream, and its place in the list.

import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { FollowingFeed } from './feed/following.ts';
import type { OutboxFeed } from './feed/outbox.ts';
import { RedisStream } from './feed/redis-stream.ts';
import { GuardedCalls } from './guards/guarded-calls.ts';
import { RedisLayer } from './layers/redis.ts';
import type { Log } from './log.ts';
import { type Reading, reading } from './metrics.ts';
import type { RedisNode, RedisNodes } from './redis/nodes.ts';

export interface WithRedis {
  readonly layer: RedisLayer;
  readonly feed: FollowingFeed;
  readonly readings: readonly Reading[];
}

export function withRedis(
  nodes: RedisNodes,
  outbox: OutboxFeed,
  config: Config,
  clock: Clock,
  log: Log,
): WithRedis {
  const guards = new Map<string, GuardedCalls>();
  const guardOf = (node: RedisNode) => {
    let guard = guards.get(node.name);
    if (!guard) {
      guard = new GuardedCalls(`redis ${node.name}`, config, log);
      guards.set(node.name, guard);
    }
    return guard;
  };
  const layer = new RedisLayer(nodes, guardOf, config);
  const feed = new FollowingFeed(new RedisStream(nodes, config), outbox, config, clock, log);
  const all = () => nodes.masters.map(guardOf);
  const { stats } = layer;
  const readings = [
    reading('lookup_redis_reads_total', 'People asked of Redis', 'counter', () => stats.reads),
    reading('lookup_redis_hits_total', 'Records found in Redis', 'counter', () => stats.hits),
    reading('lookup_redis_misses_total', 'Not in Redis', 'counter', () => stats.misses),
    reading(
      'lookup_redis_failed_total',
      'Not asked or not answered: a node is away, slow or not vouched for',
      'counter',
      () => stats.failed,
    ),
    reading(
      'lookup_redis_unreadable_total',
      'Values that were torn, foreign or of another format',
      'counter',
      () => stats.unreadable,
    ),
    reading('lookup_redis_fills_total', 'Records offered to Redis', 'counter', () => stats.fills),
    reading(
      'lookup_redis_fills_refused_total',
      'Records that Redis did not take',
      'counter',
      () => stats.fillsRefused,
    ),
    reading('lookup_redis_masters', 'Masters that hold slots', 'gauge', () => nodes.masters.length),
    reading(
      'lookup_redis_masters_connected',
      'Masters that are connected',
      'gauge',
      () => nodes.masters.filter((node) => node.connected).length,
    ),
    reading(
      'lookup_redis_breakers_open',
      'Masters whose circuit breaker is not closed',
      'gauge',
      () => all().filter((guard) => guard.state !== 'Closed').length,
    ),
    reading('lookup_feed_gaps_total', 'Gaps seen in the feed', 'counter', () => feed.gaps),
    reading(
      'lookup_feed_unreadable_total',
      'Messages of the feed that could not be read',
      'counter',
      () => feed.unreadable,
    ),
    reading(
      'lookup_feed_from_outbox',
      '1 while the outbox is followed in place of the feed',
      'gauge',
      () => (feed.way === 'outbox' ? 1 : 0),
    ),
  ];
  return { layer, feed, readings };
}
