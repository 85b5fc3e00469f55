import { describe, expect, it } from 'vitest';
import type { RedisNode } from '../redis/nodes.ts';
import { wrongSettings } from './check-redis.ts';

const GOOD = {
  'hash-max-listpack-value': '128',
  'hash-max-listpack-entries': '512',
  'maxmemory-policy': 'volatile-lfu',
};

const nodeWith = (settings: Record<string, string>) =>
  ({
    command: async () =>
      Object.entries(settings)
        .flat()
        .map((text) => Buffer.from(text)),
  }) as unknown as RedisNode;

describe("a Redis server's settings", () => {
  it('are right when a bucket stays one compact list and records are never evicted', async () => {
    expect(await wrongSettings(nodeWith(GOOD))).toEqual([]);
  });

  it.each([
    ['hash-max-listpack-value', '64'],
    ['hash-max-listpack-entries', '128'],
    ['maxmemory-policy', 'allkeys-lru'],
  ])('%s = %s is named', async (name, value) => {
    const wrong = await wrongSettings(nodeWith({ ...GOOD, [name]: value }));
    expect(wrong).toEqual([expect.stringContaining(`${name} is ${value}`)]);
  });
});
