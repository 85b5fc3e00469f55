import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PersonRecord } from '../health-code.ts';
import type { RedisArg, RedisNode, RedisNodes, Script } from '../redis/nodes.ts';
import { PLACE_BYTES, placeInto } from '../redis/slots.ts';
import type { LayerLate, LayerRead } from './layer.ts';
import { decode, encode } from './record-codec.ts';
import { RedisLayer } from './redis.ts';

const idOf = (n: number) => Buffer.alloc(16, n).toString('base64url');
const person = (n: number): PersonRecord => ({
  subject: idOf(n),
  version: n + 1,
  color: 2,
  areas: [n],
  photo: undefined,
});
const placeOf = (n: number) => {
  const place = Buffer.alloc(PLACE_BYTES);
  placeInto(place, 0, idOf(n));
  return place;
};

interface Call {
  readonly script: string;
  readonly args: readonly RedisArg[];
}

/** One node that holds what it is given, by place. */
function world(options: Partial<{ redisBatchMax: number; redisQueueMax: number }> = {}) {
  const held = new Map<string, Buffer>();
  const calls: Call[] = [];
  const mark = [Buffer.from('keyspace'), Buffer.from('1000'), Buffer.from('epoch')];
  let reply: 'held' | 'no mark' | 'fails' = 'held';
  let slowMs = 0;
  const node: RedisNode = {
    name: 'one',
    markKey: 'mark',
    connected: true,
    async run(script: Script, _keys, args) {
      calls.push({ script: script.name, args });
      if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
      if (reply === 'fails') throw new Error('no answer');
      if (script.name !== 'read') return 1;
      if (reply === 'no mark') return [];
      const places = args[0] as Buffer;
      const found: Buffer[] = [];
      for (let at = 0; at < places.length; at += PLACE_BYTES) {
        const value = held.get(places.toString('hex', at, at + PLACE_BYTES)) ?? Buffer.alloc(0);
        found.push(Buffer.from([value.length]), value);
      }
      return [...mark, Buffer.concat(found)];
    },
    command: async () => undefined,
  };
  const nodes = { nodeOf: () => node } as Partial<RedisNodes> as RedisNodes;
  const guard = { run: <T>(call: () => Promise<T>) => call().catch(() => undefined) };
  const limits = {
    redisTimeoutSoftMs: 50,
    redisTimeoutHardMs: 180,
    fenceMs: 1_000,
    redisBatchMax: 128,
    redisQueueMax: 4_096,
  };
  return {
    layer: new RedisLayer(nodes, () => guard, { ...limits, ...options }),
    calls,
    hold: (n: number, value = encode(person(n), 77)) => held.set(placeOf(n).toString('hex'), value),
    /** @param afterMs 0: at once */
    replies(how: typeof reply, afterMs = 0) {
      reply = how;
      slowMs = afterMs;
    },
  };
}

const isLate = (read: LayerRead | LayerLate | undefined): read is LayerLate =>
  read !== undefined && 'late' in read;
/** Of somebody who was answered before the source would be asked. */
function inTime(read: LayerRead | LayerLate | undefined): LayerRead | undefined {
  if (isLate(read)) throw new Error('it was late');
  return read;
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('the Redis layer', () => {
  it('asks for all of one turn at once, a call for so many, and gives each their own', async () => {
    const { layer, calls, hold } = world({ redisBatchMax: 10 });
    for (const n of numbers(25)) if (n % 3 > 0) hold(n);
    const reads = await Promise.all(numbers(25).map((n) => layer.get(idOf(n))));
    for (const [n, read] of reads.entries()) {
      const hit = { person: person(n), xid: 77, asOf: 1_000, epoch: 'epoch' };
      expect(inTime(read)?.hit).toEqual(n % 3 > 0 ? hit : undefined);
    }
    expect(calls.map(({ args }) => (args[0] as Buffer).length / PLACE_BYTES)).toEqual([10, 10, 5]);
    expect(layer.stats).toMatchObject({ reads: 25, hits: 16, misses: 9, failed: 0 });
    await layer.get(idOf(1));
    expect(calls).toHaveLength(4);
  });

  it('knows nothing at once of whom there is no room for, and has room again after', async () => {
    const { layer, calls, hold } = world({ redisBatchMax: 2, redisQueueMax: 3 });
    for (const n of numbers(5)) hold(n);
    const reads = await Promise.all(numbers(5).map((n) => layer.get(idOf(n))));
    const known = reads.map((read) => inTime(read)?.hit !== undefined);
    expect(known).toEqual([true, true, true, false, false]);
    expect(layer.stats).toMatchObject({ reads: 5, hits: 3, failed: 2 });
    expect(calls).toHaveLength(2);
    expect(inTime(await layer.get(idOf(4)))?.hit).toBeDefined();
  });

  it.each(['no mark', 'fails'] as const)('knows nothing of anybody when a node %s', async (how) => {
    const { layer, hold, replies } = world();
    for (const n of numbers(3)) hold(n);
    replies(how);
    const reads = await Promise.all(numbers(3).map((n) => layer.get(idOf(n))));
    expect(reads).toEqual([undefined, undefined, undefined]);
    expect(layer.stats).toMatchObject({ hits: 0, failed: 3 });
  });

  describe('of a node that is slow', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });
    /** All that can happen within so long has happened. */
    const pass = async (ms: number) => {
      for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(ms);
      for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
    };

    it('says so, and gives each their own when it comes', async () => {
      const { layer, hold, replies } = world({ redisBatchMax: 2 });
      for (const n of numbers(2)) hold(n);
      replies('held', 120);
      const reading = Promise.all(numbers(3).map((n) => layer.get(idOf(n))));
      await pass(50);
      const reads = await reading;
      expect(reads.map(isLate)).toEqual([true, true, true]);
      const late = Promise.all(reads.map((read) => (isLate(read) ? read.late : undefined)));
      await pass(70);
      const hits = (await late).map((read) => read?.hit?.person);
      expect(hits).toEqual([person(0), person(1), undefined]);
      expect(layer.stats).toMatchObject({ reads: 3, hits: 2, misses: 1, failed: 0 });
    });

    it('knows nothing of anybody in the end, when it fails', async () => {
      const { layer, replies } = world();
      replies('fails', 180);
      const reading = layer.get(idOf(1));
      await pass(50);
      const read = await reading;
      if (!isLate(read)) throw new Error('it was not late');
      await pass(130);
      expect(await read.late).toBeUndefined();
      expect(layer.stats).toMatchObject({ reads: 1, failed: 1 });
    });

    it('waits for nobody who is in time', async () => {
      const { layer, hold, replies } = world();
      hold(1);
      replies('held', 49);
      const reading = layer.get(idOf(1));
      await pass(49);
      expect(inTime(await reading)?.hit?.person).toEqual(person(1));
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  it('fills the place of whom it was asked for, however many were asked since', async () => {
    const { layer, calls } = world();
    const reads = await Promise.all(numbers(4).map((n) => layer.get(idOf(n))));
    await Promise.all(numbers(4).map((n) => layer.get(idOf(n + 10))));
    inTime(reads[2])?.fill(person(2), 88, 990);
    const { script, args } = calls.at(-1) as Call;
    expect(script).toBe('fill');
    const [keyspace, asOf, fenceMs, epoch, packed] = args as [
      Buffer,
      number,
      number,
      string,
      Buffer,
    ];
    expect([String(keyspace), asOf, fenceMs, epoch]).toEqual(['keyspace', 990, 1_000, 'epoch']);
    expect(packed.subarray(0, PLACE_BYTES)).toEqual(placeOf(2));
    expect(packed[PLACE_BYTES]).toBe(packed.length - PLACE_BYTES - 1);
    const envelope = { person: person(2), xid: 88 };
    expect(decode(packed.subarray(PLACE_BYTES + 1), idOf(2))).toEqual(envelope);
  });

  it('takes what it cannot read for a miss, and removes exactly that', async () => {
    const { layer, calls, hold } = world();
    const torn = encode(person(1), 77).subarray(0, 30);
    hold(0);
    hold(1, torn);
    hold(2, encode(person(0), 77));
    const reads = await Promise.all(numbers(3).map((n) => layer.get(idOf(n))));
    expect(reads.map((read) => inTime(read)?.hit !== undefined)).toEqual([true, false, false]);
    expect(layer.stats).toMatchObject({ hits: 1, unreadable: 2 });
    const drops = calls.filter(({ script }) => script === 'drop').map(({ args }) => args);
    expect(drops).toEqual([
      [placeOf(1), torn],
      [placeOf(2), encode(person(0), 77)],
    ]);
  });
});
