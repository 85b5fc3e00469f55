// The whole system with a Redis Cluster: records come from Redis, changes by the feed, and what fails is survived.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../test/database.ts';
import { type RedisCluster, startRedisCluster } from '../test/redis-cluster.ts';
import { openRedisWorld, type RedisWorld, type RunningRelay } from '../test/redis-world.ts';
import { idOf, madePhoto, msUntil, type Running, type Writer } from '../test/service.ts';
import { until } from '../test/wait.ts';
import type { ReadAnswer } from './edge/wire.ts';
import { placeInto, slotOfBucket } from './redis/slots.ts';

const PEOPLE = 200;
/** Records on one node; none without its mark, for nobody believes them then. */
const COUNT = `
if #redis.call('KEYS', 'mark:{*') == 0 then return 0 end
local records = 0
for _, key in ipairs(redis.call('KEYS', 'p*:{*')) do
  if key ~= 'processes:{feed}' then records = records + redis.call('HLEN', key) end
end
return records`;
const VISIBLE_WITHIN_MS = 500;

describe('a system with Redis', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let redis: RedisCluster;
  let world: RedisWorld;
  let writer: Writer;
  let relay: RunningRelay;
  let one: Running;
  let two: Running;

  beforeAll(async () => {
    [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
    world = await openRedisWorld(database.url, redis);
    writer = await world.connect();
    await writer.area(1);
    await writer.area(2, 'yellow');
    await writer.people(1, PEOPLE, [1]);
    relay = world.relay();
    [one, two] = await Promise.all([world.start(), world.start()]);
    await Promise.all([one.service.ready, two.service.ready]);
    await filled(PEOPLE);
    for (const running of [one, two]) await sure(running);
  }, 60_000);
  afterAll(async () => {
    await world?.close();
    await redis?.discard();
    await database?.drop();
  });

  const gate = async (running: Running, n: number) =>
    (await running.gate.lookup({ subject: idOf(n) })).answer as ReadAnswer;
  const colorOf = async (running: Running, n: number) => (await gate(running, n)).color;
  const fresh = async (running: Running, n: number) => (await gate(running, n)).fresh === true;

  /** It may be ready before it has asked the source for its time. */
  const sure = (running: Running) =>
    until(async () => (await running.metric('lookup_suspect')) === 0, { what: 'it is sure' });

  /** So many records lie in Redis. */
  const filled = (count: number) =>
    until(
      async () => {
        let records = 0;
        for (const node of await redis.masters()) {
          records += Number(await node.ask('EVAL', COUNT, 0));
        }
        return records >= count;
      },
      { what: `${count} records lie in Redis`, timeoutMs: 10_000, everyMs: 50 },
    );

  const nodeOf = (n: number) => {
    const place = Buffer.alloc(9);
    return redis.masterOf(slotOfBucket(placeInto(place, 0, idOf(n))));
  };

  it('answers from Redis, then from memory, and asks the source for nobody', async () => {
    const before = await one.metric('lookup_source_queries_total');
    expect(await gate(one, 1)).toMatchObject({ outcome: 'found', layer: 'redis', fresh: true });
    expect(await gate(one, 1)).toMatchObject({ outcome: 'found', layer: 'memory', fresh: true });
    expect(await one.metric('lookup_source_queries_total')).toBe(before);
  });

  it('shows a changed person, area and photo in every process, whether held there or not', async () => {
    const photo = madePhoto(7);
    await writer.photo(photo);
    await gate(one, 2);
    const changes: [() => Promise<unknown>, (running: Running) => Promise<boolean>][] = [
      [() => writer.person(2, 'red', [1]), async (r) => (await colorOf(r, 2)) === 3],
      [() => writer.area(1, 'yellow'), async (r) => (await colorOf(r, 3)) === 2],
      [
        () => writer.person(4, 'green', [2], photo.id),
        async (r) => (await gate(r, 4)).photoId === photo.id,
      ],
      [() => writer.area(1, 'green'), async (r) => (await colorOf(r, 3)) === 1],
    ];
    for (const [write, shows] of changes) {
      await write();
      const ms = await Promise.all([one, two].map((r) => msUntil('it shows', () => shows(r))));
      expect(Math.max(...ms)).toBeLessThan(VISIBLE_WITHIN_MS);
    }
  });

  it('forgets an erased person everywhere, and knows one who comes back', async () => {
    await gate(two, 5);
    await writer.erase(5);
    for (const r of [one, two])
      await until(async () => (await gate(r, 5)).outcome === 'absent', { what: 'absent' });
    await writer.person(5, 'yellow');
    for (const r of [one, two])
      await until(async () => (await colorOf(r, 5)) === 2, { what: 'they are back' });
  });

  it('takes what lies in Redis for a miss when it is torn or another person, and repairs it', async () => {
    const from = await nodeOf(10);
    const placeOf = (n: number) => {
      const place = Buffer.alloc(9);
      return { bucket: placeInto(place, 0, idOf(n)), field: place.subarray(3) };
    };
    const [{ bucket, field }, other] = [placeOf(10), placeOf(11)];
    const keysOf = async (n: number, b: number) =>
      ((await (await nodeOf(n)).ask('KEYS', `p*:{${b}}`)) as string[])[0] as string;
    const key = await keysOf(10, bucket);
    const { Redis } = await import('ioredis');
    const client = new Redis({ port: from.port });
    const foreign = new Redis({ port: (await nodeOf(11)).port });
    const theirs = (await foreign.hgetBuffer(
      await keysOf(11, other.bucket),
      other.field,
    )) as Buffer;
    const good = (await client.hgetBuffer(key, field)) as Buffer;
    const flipped = Buffer.from(good);
    flipped.writeUInt8((flipped[30] as number) ^ 1, 30);
    for (const bad of [Buffer.from('x'), good.subarray(0, 30), flipped, theirs]) {
      await client.hset(key, field, bad);
      const asking = await world.start();
      await asking.service.ready;
      expect(await gate(asking, 10)).toMatchObject({ outcome: 'found', color: 1, layer: 'source' });
      expect(await asking.metric('lookup_redis_unreadable_total')).toBe(1);
      await until(async () => good.equals((await client.hgetBuffer(key, field)) as Buffer), {
        what: 'it is repaired',
      });
      await asking.stop();
    }
    client.disconnect();
    foreign.disconnect();
  });

  it('is suspect while no relay runs, answers all the same, and is fresh after one does', async () => {
    await gate(one, 20);
    await relay.stop();
    await until(async () => !(await fresh(one, 20)), { what: 'it is stale' });
    const asOf = (await gate(one, 20)).asOfMs as number;
    expect((await gate(two, 21)).outcome).toBe('found');
    await writer.person(20, 'red');
    const then = await gate(one, 20);
    expect(then).toMatchObject({ color: 1, fresh: false });
    expect(then.asOfMs).toBe(asOf);
    relay = world.relay();
    await until(() => relay.service.relay.leads, { what: 'it leads' });
    const ms = await msUntil('it is fresh', async () => {
      const answer = await gate(one, 20);
      return answer.color === 3 && answer.fresh === true;
    });
    expect(ms).toBeLessThan(2_000);
  });

  it('goes on through an emptied Redis, which is filled again', async () => {
    await redis.flushAll();
    for (let n = 30; n < 60; n++) expect((await gate(two, n)).outcome).toBe('found');
    await writer.person(31, 'yellow');
    await until(async () => (await colorOf(two, 31)) === 2, { what: 'the change shows' });
    await filled(PEOPLE);
    await until(async () => (await fresh(one, 31)) && (await fresh(two, 31)), { what: 'fresh' });
    const late = await world.start();
    await late.service.ready;
    await sure(late);
    expect(await gate(late, 31)).toMatchObject({ color: 2, layer: 'redis', fresh: true });
    await late.stop();
  });

  it('follows a standby within three seconds of its leader falling silent', async () => {
    const standby = world.relay();
    await gate(one, 70);
    // It can renew nothing any more, and writes nothing: as a process that is stopped.
    relay.doors.lease.set('hangs');
    relay.doors.feed.set('hangs');
    const ms = await msUntil('the standby leads', () => standby.service.relay.leads);
    expect(ms).toBeLessThan(3_000);
    expect(ms).toBeGreaterThan(300);
    await writer.person(70, 'red');
    await until(async () => (await colorOf(one, 70)) === 3, { what: 'the change shows' });
    const batches = relay.service.relay.stats.batches;
    relay.doors.lease.set('open');
    relay.doors.feed.set('open');
    await writer.person(70, 'yellow');
    await until(async () => (await colorOf(two, 70)) === 2, { what: 'the change shows' });
    expect(relay.service.relay.leads).toBe(false);
    expect(relay.service.relay.stats.batches).toBe(batches);
    await relay.stop();
    relay = standby;
  });

  it('brings a change of very many people in one transaction', async () => {
    await writer.people(1_000, 20_000, [1]);
    await filled(20_000 + PEOPLE);
    await gate(one, 1_500);
    await writer.session.query(`update person set color = 'red' where subject >= $1::uuid`, [
      `00000000-0000-0000-0000-${(1_000).toString(16).padStart(12, '0')}`,
    ]);
    for (const r of [one, two]) {
      const all = async () => (await colorOf(r, 20_999)) === 3 && (await colorOf(r, 1_500)) === 3;
      await until(async () => (await all()) && (await fresh(r, 1_500)), {
        what: 'the last of them shows',
        timeoutMs: 10_000,
      });
    }
  }, 30_000);

  it('reads from Redis, not from the source, while a large transaction is on its way', async () => {
    const asking = await world.start({ config: { memoryRecordsMax: 16 } });
    await asking.service.ready;
    const { feed } = relay.doors;
    // The second piece is never asked for: of the first, records and message are there by then.
    const query = feed.query.bind(feed);
    let [empty, inPieces] = [0, false];
    const spy = vi.spyOn(feed, 'query').mockImplementation(async (statement, values, signal) => {
      if (statement.name === 'feed-poll' && inPieces) feed.set('hangs');
      const rows = await query(statement, values, signal);
      if (statement.name === 'feed-has-others') inPieces = true;
      if (statement.name === 'feed-poll' && rows.length === 1) empty += 1;
      return rows as never;
    });
    try {
      // Some of these are not worth a message, and the large transaction begins after them.
      const { batches } = relay.service.relay.stats;
      await until(() => relay.service.relay.stats.batches > batches, { what: 'a heartbeat' });
      empty = 0;
      await until(() => empty >= 2, { what: 'nothing new, twice', everyMs: 1 });
      feed.set('hangs');
      await until(() => feed.waiting > 0, { what: 'the relay asks once more' });
      await writer.session.query(`update person set color = 'yellow' where subject >= $1::uuid`, [
        `00000000-0000-0000-0000-${(1_000).toString(16).padStart(12, '0')}`,
      ]);
      feed.set('open');
      await until(() => inPieces && feed.waiting > 0, { what: 'it is in the middle of that' });
      // Red before, so that yellow came with the piece.
      const isThere = async () => (await colorOf(one, 1_000)) === 2;
      await until(isThere, { what: 'the first piece shows' });
      const before = await asking.metric('lookup_source_subjects_total');
      for (let n = 1_100; n < 1_200; n++) expect((await gate(asking, n)).layer).toBe('redis');
      expect(await asking.metric('lookup_source_subjects_total')).toBe(before);
    } finally {
      spy.mockRestore();
      feed.set('open');
    }
    await until(async () => (await colorOf(one, 20_999)) === 2, { what: 'the rest shows' });
    await asking.stop();
  }, 30_000);
});
