// The heart, step by step, over a model source that answers when it is told to.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANNA, BERT, CONFIG, holding, holdTime, ModelWorld, started } from '../test/model-world.ts';
import { SingleFlight } from './guards/single-flight.ts';
import { type Answer, type Found, GREEN, type PersonRecord, RED, YELLOW } from './health-code.ts';
import type { Layer, LayerRead } from './layers/layer.ts';

beforeEach(() => {
  holdTime();
});
afterEach(() => {
  vi.useRealTimers();
});

const unavailable = (reason: string) => ({ outcome: 'unavailable', reason });

it('says "starting" until it knows the floors, and asks nobody', () => {
  const world = new ModelWorld();
  expect(world.ask(ANNA).answer).toEqual(unavailable('starting'));
  expect(world.ask(ANNA, world.source.now()).answer).toEqual(unavailable('starting'));
  expect(world.loads).toEqual([]);
});

describe('2. memory', () => {
  it('answers at once, with the worst of own color and floors, and asks nobody', async () => {
    const world = await holding();
    await world.pass(100);
    world.follow();
    const asOf = world.source.now();
    const found = { outcome: 'found', stale: false, layer: 'memory', asOf };
    expect(world.ask(ANNA).answer).toMatchObject({ ...found, color: GREEN, version: 2 });
    expect(world.ask(BERT).answer).toMatchObject({ ...found, color: YELLOW, version: 3 });
    expect(world.loads).toEqual([]);
  });

  it('answers who may not wait, where it is as far as they ask, and else they are shed', async () => {
    const world = await holding();
    const asOf = world.freshness.resolved;
    const ask = (minAsOf: number) => world.lookup.find(ANNA, 1e9, minAsOf, false);
    expect(ask(asOf)).toMatchObject({ outcome: 'found', layer: 'memory', asOf });
    expect(ask(asOf + 1)).toEqual({ outcome: 'shed' });
    expect(world.loads).toEqual([]);
  });

  it('answers stale at once when the feed is silent, and revalidates behind the answer', async () => {
    const world = await holding();
    const asOf = world.freshness.resolved;
    await world.pass(CONFIG.staleAfterMs + 1);
    expect(world.ask(ANNA).answer).toMatchObject({ stale: true, layer: 'memory', asOf });
    expect(world.ask(ANNA).answer).toMatchObject({ stale: true });
    expect(world.loads.length).toBe(1);
    world.reply();
    await world.settle();
    const now = world.source.now();
    expect(world.ask(ANNA).answer).toMatchObject({ stale: false, layer: 'source', asOf: now });
    expect(world.loads).toEqual([]);
  });

  it('revalidates nothing while others wait for the source, nor beyond its budget', async () => {
    const world = await holding();
    await world.pass(CONFIG.staleAfterMs + 1);
    world.queued = CONFIG.sourceBatchMax;
    expect(world.ask(ANNA).answer).toMatchObject({ stale: true });
    expect(world.loads).toEqual([]);
    world.queued = 0;
    for (let n = 0; n < CONFIG.revalidationsPerS; n++) {
      expect(world.ask(ANNA).answer).toMatchObject({ stale: true });
      world.fail();
      await world.settle();
    }
    const { revalidations } = world.lookup.stats;
    expect(revalidations).toBeGreaterThan(0);
    expect(revalidations).toBeLessThanOrEqual(CONFIG.revalidationsPerS / 10);
  });

  it('answers nothing that is older than grace', async () => {
    const world = await holding();
    // The clocks may have parted by some while: the age is an upper bound.
    await world.pass(CONFIG.graceMs - 1_000);
    expect(world.ask(ANNA).answer).toMatchObject({ stale: true });
    world.fail();
    await world.pass(1_000);
    const asked = world.ask(ANNA);
    world.fail();
    await world.settle();
    expect(asked.answer).toEqual(unavailable('source'));
  });

  it('is recalled by its place, while the same version is there and fresh', async () => {
    const world = await holding();
    const found = world.ask(BERT).answer as Found;
    const slot = world.lookup.slotOf(found);
    expect(slot).toBeGreaterThanOrEqual(0);
    expect(world.lookup.recall(slot, found.version)).toMatchObject({ color: YELLOW, version: 3 });
    expect(world.lookup.recall(slot, 2)).toBeUndefined();
    expect(world.lookup.recall(-1, found.version)).toBeUndefined();
    await world.pass(CONFIG.staleAfterMs + 1);
    expect(world.lookup.recall(slot, found.version)).toBeUndefined();
    world.set(BERT, RED, [1]);
    world.follow();
    expect(world.lookup.recall(slot, found.version)).toBeUndefined();
    const now = world.ask(BERT).answer as Found;
    expect(world.lookup.recall(slot, now.version)?.color).toBe(RED);
    world.set(BERT, undefined);
    world.follow();
    expect(world.lookup.recall(slot, now.version)).toBeUndefined();
  });

  it('has no place for an answer that came from elsewhere', async () => {
    const world = started();
    expect(world.lookup.slotOf((await world.get(ANNA)) as Found)).toBe(-1);
  });
});

describe('3. the single flight', () => {
  it('asks the source once for all who ask at a time', async () => {
    const world = started();
    const asked = Array.from({ length: 20 }, () => world.ask(ANNA));
    expect(world.loads.length).toBe(1);
    world.reply();
    await world.settle();
    for (const { answer } of asked) expect(answer).toMatchObject({ color: GREEN, layer: 'source' });
    expect(world.lookup.stats).toMatchObject({ flightsAsked: 20, flightsStarted: 1 });
  });

  it('looks in memory again: another flight may have landed between the miss and this one', async () => {
    // Caller A misses and is held back; caller B misses, flies, keeps and lands; then A flies.
    const gates: (() => void)[] = [];
    class OneByOne extends SingleFlight<Answer> {
      override async do(...asked: Parameters<SingleFlight<Answer>['do']>): Promise<Answer> {
        await new Promise<void>((open) => gates.push(open));
        return super.do(...asked);
      }
    }
    const world = started({ flights: new OneByOne() });
    const [a, b] = [world.ask(ANNA), world.ask(ANNA)];
    gates[1]?.();
    await world.settle();
    world.reply();
    await world.settle();
    expect([a.answer, b.answer]).toMatchObject([undefined, { layer: 'source' }]);
    gates[0]?.();
    await world.settle();
    expect(a.answer).toMatchObject({ color: GREEN, layer: 'memory' });
    expect(world.lookup.stats.flightsStarted).toBe(2);
    expect(world.loads).toEqual([]);
  });
});

describe('4. a layer between', () => {
  /** What it says next, and what it was given to keep. */
  function layerOf(read: (world: ModelWorld) => Omit<LayerRead, 'fill'> | undefined) {
    const filled: number[] = [];
    const layer: Layer = {
      name: 'redis',
      async get() {
        const said = read(world);
        return said && { ...said, fill: (person) => filled.push(person.version) };
      },
    };
    const world = started({ layers: [layer] });
    return { world, filled };
  }
  const hitOf = (world: ModelWorld, person: PersonRecord, xid = 100) => {
    const epoch = world.freshness.epoch ?? '';
    return { hit: { person, xid, asOf: world.source.now(), epoch } };
  };
  const hit = (world: ModelWorld, version = 2, xid = 100) =>
    hitOf(world, { subject: ANNA, version, color: RED, areas: [], photo: undefined }, xid);

  it('is asked before the source, which then is not', async () => {
    const { world } = layerOf(() => hit(world));
    const asked = world.lookup.find(ANNA, world.clock.monoMs() + 1_000);
    expect(await asked).toMatchObject({ color: RED, layer: 'redis' });
    expect(world.loads).toEqual([]);
    expect(world.lookup.find(ANNA, 1e6)).toMatchObject({ color: RED, layer: 'memory' });
  });

  it('that misses is given what the source had; one that does not know is not', async () => {
    const missed = layerOf(() => ({ hit: undefined }));
    expect(await missed.world.get(ANNA)).toMatchObject({ layer: 'source' });
    expect(missed.filled).toEqual([2]);
    const away = layerOf(() => undefined);
    expect(await away.world.get(ANNA)).toMatchObject({ layer: 'source' });
    expect(away.filled).toEqual([]);
  });

  it('that is ahead of this process is answered once the feed has come so far', async () => {
    const { world } = layerOf(() => hit(world, 4, 103));
    world.set(ANNA, RED);
    const asked = world.ask(ANNA);
    await world.settle();
    expect([asked.answer, world.loads.length]).toEqual([undefined, 0]);
    world.follow();
    await world.settle();
    expect(asked.answer).toMatchObject({ color: RED, version: 4, layer: 'redis' });
  });

  it('that stays ahead is passed over, and nobody gathers while the feed is silent', async () => {
    const { world } = layerOf(() => hit(world, 4, 103));
    world.set(ANNA, RED);
    for (const subject of [ANNA, BERT]) world.ask(subject);
    await world.settle();
    expect([world.freshness.waiting, world.loads.length]).toEqual([2, 0]);
    await world.pass(CONFIG.layerAheadMs);
    expect([world.freshness.waiting, world.loads.length]).toEqual([0, 2]);
  });

  describe('that is late', () => {
    const person = { areas: [], photo: undefined };
    /** Whom the layer has told to wait, to be told what it found. */
    function slow() {
      const tell: ((read: LayerRead | undefined) => void)[] = [];
      const layer: Layer = {
        name: 'redis',
        get: async () => ({ late: new Promise((resolve) => tell.push(resolve)) }),
      };
      const world = started({ layers: [layer] });
      const says = (read: Omit<LayerRead, 'fill'> | undefined) =>
        tell.shift()?.(read && { ...read, fill: () => {} });
      return { world, says };
    }

    it('answers all the same when the source does not, or not yet', async () => {
      const { world, says } = slow();
      const [refused, waiting] = [world.ask(ANNA), world.ask(BERT)];
      await world.settle();
      expect(world.loads.length).toBe(2);
      world.fail();
      await world.settle();
      expect(refused.answer).toBeUndefined();
      says(hitOf(world, { ...person, subject: ANNA, version: 2, color: GREEN }));
      await world.settle();
      expect(refused.answer).toMatchObject({ color: GREEN, version: 2, layer: 'redis' });
      says(hitOf(world, { ...person, subject: BERT, version: 3, color: YELLOW }));
      await world.settle();
      expect(waiting.answer).toMatchObject({ color: YELLOW, version: 3, layer: 'redis' });
    });

    it('does not hold up the source, and is not believed after it', async () => {
      const { world, says } = slow();
      const asked = world.ask(ANNA);
      await world.settle();
      world.set(ANNA, undefined);
      world.reply();
      await world.settle();
      expect(asked.answer).toMatchObject({ outcome: 'absent' });
      says(hit(world));
      await world.settle();
      expect(world.memory.size).toBe(0);
    });

    it('leaves it at what the source said when it has nothing', async () => {
      const { world, says } = slow();
      const asked = world.ask(ANNA);
      await world.settle();
      says(undefined);
      await world.settle();
      expect(asked.answer).toBeUndefined();
      world.fail();
      await world.settle();
      expect(asked.answer).toEqual(unavailable('source'));
    });

    it('is judged by when it was asked: it need not know what came since and is of others', async () => {
      const { world, says } = slow();
      const asked = world.ask(ANNA);
      await world.settle();
      const read = hitOf(world, { ...person, subject: ANNA, version: 2, color: GREEN });
      await world.pass(100);
      world.follow();
      expect(read.hit.asOf).toBeLessThan(world.freshness.resolved);
      says(read);
      await world.settle();
      expect(asked.answer).toMatchObject({ color: GREEN, layer: 'redis' });
    });

    it('is not believed when this process began to follow anew since', async () => {
      const { world, says } = slow();
      const asked = world.ask(ANNA);
      await world.settle();
      const read = hit(world);
      world.set(ANNA, YELLOW);
      world.follow('restarts');
      says(read);
      await world.settle();
      expect(asked.answer).toBeUndefined();
    });

    it('and stale is not preferred to the source, but better than nothing', async () => {
      for (const replies of [true, false]) {
        const { world, says } = slow();
        await world.pass(CONFIG.staleAfterMs + 1);
        const asked = world.ask(ANNA);
        await world.settle();
        says(hitOf(world, { ...person, subject: ANNA, version: 2, color: GREEN }));
        await world.settle();
        expect(asked.answer).toBeUndefined();
        if (replies) world.reply();
        else world.fail();
        await world.settle();
        const found = replies ? { stale: false, layer: 'source' } : { stale: true };
        expect(asked.answer).toMatchObject({ outcome: 'found', color: GREEN, ...found });
      }
    });

    it('takes back the question that it has answered, and no other', async () => {
      const { world, says } = slow();
      const [known, unknown] = [world.ask(ANNA), world.ask(BERT)];
      await world.settle();
      says(hitOf(world, { ...person, subject: ANNA, version: 2, color: GREEN }));
      says({ hit: undefined });
      await world.settle();
      expect(known.answer).toMatchObject({ layer: 'redis' });
      expect(unknown.answer).toBeUndefined();
      expect(world.loads.map(({ isOver }) => isOver())).toEqual([true, false]);
    });

    it('is not believed about whom a change overtook', async () => {
      const { world, says } = slow();
      const read = hit(world);
      const asked = world.ask(ANNA);
      await world.settle();
      world.set(ANNA, YELLOW);
      world.follow();
      says(read);
      await world.settle();
      expect(asked.answer).toBeUndefined();
      world.reply();
      await world.settle();
      expect(asked.answer).toMatchObject({ color: YELLOW, layer: 'source' });
    });
  });

  it('whose record a change overtook is not believed', async () => {
    const { world } = layerOf(() => hit(world));
    world.set(ANNA, YELLOW);
    world.follow();
    expect(await world.get(ANNA)).toMatchObject({ color: YELLOW, layer: 'source' });
  });
});
