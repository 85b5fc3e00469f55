// What the scripts do in a real Redis, and that those of the simulation do the same: each call goes to both.

import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { PersonChange } from '../../lookup/feed/feed.ts';
import { packPlaced } from '../../lookup/feed/node-writer.ts';
import { type Color, GREEN, RED } from '../../lookup/health-code.ts';
import { noLog } from '../../lookup/log.ts';
import { RedisCluster } from '../../lookup/redis/cluster.ts';
import type { RedisArg, RedisNode, Script } from '../../lookup/redis/nodes.ts';
import * as scripts from '../../lookup/redis/scripts.ts';
import { PLACE_BYTES, SLOTS, slotOf, tagOf } from '../../lookup/redis/slots.ts';
import { type RedisCluster as OwnCluster, startRedisCluster } from '../redis-cluster.ts';
import { until } from '../wait.ts';
import { RedisData } from './redis-data.ts';
import { bytesOf, SCRIPTS } from './redis-scripts.ts';
import { subjectOn } from './world.ts';

const FEED = [scripts.FEED_KEY, scripts.HEAD_KEY, scripts.FLOORS_KEY];
const MARK = `mark:{${tagOf(slotOf(scripts.FEED_KEY))}}`;

let redis: OwnCluster;
let client: RedisCluster;
let node: RedisNode;
let data: RedisData;
const compared = new Set<string>();

beforeAll(async () => {
  redis = await startRedisCluster();
  const options = { url: redis.url, caFile: undefined };
  client = new RedisCluster({ ...options, connectTimeoutMs: 500, socketTimeoutMs: 500 }, noLog);
  await until(() => client.nodeOf(slotOf(scripts.FEED_KEY))?.connected, { what: 'it is reached' });
  node = client.nodeOf(slotOf(scripts.FEED_KEY)) as RedisNode;
}, 60_000);
beforeEach(async () => {
  await redis.flushAll();
  data = new RedisData(() => 0);
});
afterAll(async () => {
  await client?.close();
  await redis?.discard();
});

/** @returns what both say */
async function run(script: Script, keys: readonly string[], args: readonly RedisArg[] = []) {
  compared.add(script.name);
  const real = plain(await node.run(script, keys, args, 2_000));
  expect(plain(SCRIPTS[script.name]?.(data, keys, args.map(bytesOf)))).toEqual(real);
  return real;
}

/** Bytes as text; none is the same as nothing. */
function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  return reply ?? null;
}

/** On the feed's node, or the scripts would be refused: three masters share the slots in their order. */
const SUBJECT = subjectOn(Math.floor((slotOf(scripts.FEED_KEY) * 3) / SLOTS), 0);
const person = (version: number, color: Color = GREEN): PersonChange => ({
  ...{ subject: SUBJECT, version, color, areas: [], photo: undefined, xid: version },
});
const packed = (...all: PersonChange[]) => Buffer.concat(all.map((one) => packPlaced(one).bytes));
const place = packPlaced(person(1)).bytes.subarray(0, PLACE_BYTES);

const begin = (term: number, keyspace = 'aa', at = 1_000, epoch = 'e1') =>
  run(scripts.BEGIN_NODE, [MARK], [term, 'l1', keyspace, at, epoch, `{"at":${at}}`]);
const write = (term: number, before: string, link: string, ...all: PersonChange[]) =>
  run(scripts.RELAY_WRITE, [MARK], [term, before, link, packed(...all), 2_000, 'e1', '{"at":2}']);
const fill = (keyspace: string, asOf: number, epoch: string, ...all: PersonChange[]) =>
  run(scripts.FILL, [MARK], [keyspace, asOf, 500, epoch, packed(...all)]);
const read = () => run(scripts.READ, [MARK], [place]);
const append = (term: number, holder: string, before: string, identity: string, number: number) =>
  run(scripts.APPEND, FEED, [term, holder, before, identity, number, '{}', '', 10, '', 1, 'red:5']);
const claim = (term: number, holder: string) =>
  run(scripts.CLAIM_FEED, FEED.slice(0, 2), [term, holder]);

it('a node without a mark has nothing, takes no fill and is not claimed', async () => {
  expect(await read()).toEqual([]);
  expect(await run(scripts.READ_MARK, [MARK])).toEqual([]);
  expect(await fill('aa', 1_000, 'e1', person(1))).toBe(-1);
  expect(await run(scripts.CLAIM_NODE, [MARK], [1, 'l1'])).toEqual([]);
});

it('an earlier term neither begins nor claims nor writes a node', async () => {
  expect(await begin(5)).toBe('ok');
  expect(await begin(4)).toBe('later');
  expect(await run(scripts.CLAIM_NODE, [MARK], [4, 'l2'])).toBe('later');
  expect(await write(4, 'l1', 'l2', person(1))).toEqual([
    'aa',
    '1000',
    'e1',
    '{"at":1000}',
    'l1',
    '5',
  ]);
  expect(await write(5, 'l1', 'l2', person(1))).toBe('ok');
});

it('a write that does not name the one before it is refused, and says where the node stands', async () => {
  await begin(1);
  expect(await write(1, 'l0', 'l2', person(1))).toEqual([
    'aa',
    '1000',
    'e1',
    '{"at":1000}',
    'l1',
    '1',
  ]);
  expect(await run(scripts.READ_MARK, [MARK])).toEqual(['aa', '1000', 'e1', '{"at":1000}']);
});

it('an older record never takes the place of a newer one, by whomever it comes', async () => {
  await begin(1);
  await write(1, 'l1', 'l2', person(7, RED));
  const newest = await read();
  expect(await fill('aa', 2_000, 'e1', person(6))).toBe(0);
  expect(await write(1, 'l2', 'l3', person(6))).toBe('ok');
  expect(await read()).toEqual(newest);
  expect(await run(scripts.READ_BUCKETS, [MARK], [place.subarray(0, 3)])).toEqual(newest);
  expect(await fill('aa', 2_000, 'e1', person(8))).toBe(1);
});

it('a fill for another keyspace or epoch, or from longer ago than the fence lasts, is refused', async () => {
  await begin(1);
  expect(await fill('bb', 1_000, 'e1', person(1))).toBe(-1);
  expect(await fill('aa', 1_000, 'e2', person(1))).toBe(-1);
  expect(await fill('aa', 499, 'e1', person(1))).toBe(-1);
  expect(await fill('aa', 500, 'e1', person(1))).toBe(1);
});

it('a node that begins anew has none of its records', async () => {
  await begin(1);
  await fill('aa', 1_000, 'e1', person(1));
  await begin(1, 'bb');
  expect(await read()).toEqual(['bb', '1000', 'e1', '\0']);
});

it('an equal term of another holder is refused, and a greater one ends the term before', async () => {
  expect(await claim(3, 'one')).toEqual(['ok', '3', '', '']);
  expect(await claim(3, 'two')).toEqual(['later', '3', '', '']);
  expect(await append(3, 'one', '', 'a', 1)).toBe('ok');
  expect(await claim(4, 'two')).toEqual(['ok', '4', 'a', '{}']);
  expect(await append(3, 'one', 'a', 'b', 2)).toBe('later');
  expect(await append(4, 'one', 'a', 'b', 2)).toBe('later');
});

it('a batch that does not name the last one on the stream is not appended', async () => {
  await claim(1, 'one');
  expect(await append(1, 'one', '', 'a', 1)).toBe('ok');
  expect(await append(1, 'one', 'lost', 'b', 2)).toBe('broken');
  expect(await append(1, 'one', 'a', 'b', 2)).toBe('ok');
  expect(await run(scripts.POSITION, [scripts.FEED_KEY, scripts.FLOORS_KEY])).toEqual([
    '1-2',
    'b',
    '{}',
    ['1', 'red:5'],
  ]);
});

it('a tombstone is swept, and nobody who came back since', async () => {
  await begin(1);
  const erased = { subject: SUBJECT, version: 3, erased: true, xid: 3 } as const;
  const upTo = (version: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(version);
    return run(scripts.SWEEP, [MARK], [Buffer.concat([place, bytes])]);
  };
  await write(1, 'l1', 'l2', erased);
  expect(await upTo(2)).toBe(0);
  expect(await upTo(3)).toBe(1);
  await write(1, 'l2', 'l3', person(4));
  expect(await upTo(3)).toBe(0);
});

it('what cannot be read is removed, and nothing that has taken its place', async () => {
  await begin(1);
  await fill('aa', 1_000, 'e1', person(1));
  const value = packed(person(1)).subarray(PLACE_BYTES + 1);
  expect(await run(scripts.DROP, [MARK], [place, Buffer.from('other')])).toBe(0);
  expect(await run(scripts.DROP, [MARK], [place, value])).toBe(1);
});

it('and no script of the simulation is left out', () => {
  expect([...compared].sort()).toEqual(Object.keys(SCRIPTS).sort());
});
