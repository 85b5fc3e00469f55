// What the heart keeps of a read that raced a change, and what it remembers of who does not exist (feed.md, rules 6 and
// 11 to 14).

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANNA, BERT, CONFIG, holding, holdTime, NOBODY, started } from '../test/model-world.ts';
import { applyBatch } from './feed/held.ts';
import { type Found, GREEN, RED, YELLOW } from './health-code.ts';

beforeEach(() => {
  holdTime();
});
afterEach(() => {
  vi.useRealTimers();
});

const unavailable = (reason: string) => ({ outcome: 'unavailable', reason });

describe('a read ahead of the feed', () => {
  it('is answered whole, by its own floors, and not combined with those held here', async () => {
    const world = await holding();
    // The record is there to be read before its floor has come by the feed: together with the floor held, it is green.
    world.source.write((t) => {
      world.source.floor(t, 1, RED);
      world.source.person(t, BERT, GREEN, [1]);
    });
    world.memory.drop(BERT);
    expect(await world.get(BERT)).toMatchObject({ color: RED, layer: 'source' });
    expect(world.memory.size).toBe(1);
    expect(world.freshness.floors.floorOf(1)).toBe(YELLOW);
    world.follow();
    expect(await world.get(BERT)).toMatchObject({ color: RED, version: 5, layer: 'source' });
    expect(world.ask(BERT).answer).toMatchObject({ color: RED, version: 5, layer: 'memory' });
  });

  it('is answered again, with its own time, until the feed has caught up or it is stale', async () => {
    const world = started();
    world.set(ANNA, RED);
    const first = (await world.get(ANNA)) as Found;
    await world.pass(CONFIG.staleAfterMs - 10);
    expect(world.ask(ANNA).answer).toMatchObject({ color: RED, asOf: first.asOf, stale: false });
    expect(world.loads).toEqual([]);
    await world.pass(20);
    const again = world.ask(ANNA);
    expect(again.answer).toBeUndefined();
    world.reply();
    await world.settle();
    expect(again.answer).toMatchObject({ color: RED, asOf: world.source.now() });
  });

  it('is not answered any more once the feed has brought a newer version', async () => {
    const world = started();
    world.set(ANNA, RED);
    expect(await world.get(ANNA)).toMatchObject({ color: RED });
    world.set(ANNA, YELLOW);
    world.follow();
    expect(await world.get(ANNA)).toMatchObject({ color: YELLOW, layer: 'source' });
  });

  it('takes away the older one that memory holds', async () => {
    const world = await holding();
    world.set(ANNA, RED);
    expect(await world.get(ANNA, world.source.now())).toMatchObject({ color: RED });
    expect(world.memory.size).toBe(1);
    expect(world.ask(ANNA).answer).toMatchObject({ color: RED, layer: 'source' });
  });

  it('leaves nothing behind for a time when memory has lost the newer one for want of room', async () => {
    const world = started({ memoryRecordsMax: 1 });
    world.set(ANNA, RED);
    expect(await world.get(ANNA)).toMatchObject({ color: RED });
    world.set(ANNA, YELLOW);
    world.poll('restarts');
    world.deliver();
    await world.pass(CONFIG.staleAfterMs + 1);
    world.follow();
    expect(await world.get(ANNA)).toMatchObject({ color: YELLOW });
    await world.get(BERT);
    const asked = world.ask(ANNA);
    world.fail();
    await world.settle();
    expect(asked.answer).toEqual(unavailable('source'));
  });
});

describe('a read that raced a change', () => {
  it('is read again when the change is known here, once', async () => {
    const world = started();
    const asked = world.ask(ANNA);
    world.read();
    await world.pass(1);
    world.set(ANNA, RED);
    world.follow();
    world.reply();
    await world.settle();
    expect([asked.answer, world.loads.length]).toEqual([undefined, 1]);
    world.reply();
    await world.settle();
    expect(asked.answer).toMatchObject({ color: RED });
    expect(world.lookup.stats.overtaken).toBe(1);
  });

  it('is not kept when the change has been forgotten since', async () => {
    const world = started({ fenceEntriesMax: 4 });
    const asked = world.ask(ANNA);
    world.read();
    await world.pass(1);
    world.set(ANNA, RED);
    world.follow();
    // Others push it out of the fence.
    for (let n = 20; n < 26; n++) world.set(Buffer.alloc(16, n).toString('base64url'), GREEN);
    world.follow();
    world.reply();
    await world.settle();
    expect(asked.answer).toMatchObject({ color: GREEN });
    expect(world.memory.size).toBe(0);
  });

  it('is read again when it began before the feed took its position anew', async () => {
    const world = started();
    const asked = world.ask(ANNA);
    world.read();
    world.set(ANNA, RED);
    await world.pass(1);
    world.follow('restarts');
    world.reply();
    await world.settle();
    expect([asked.answer, world.loads.length]).toEqual([undefined, 1]);
    world.reply();
    await world.settle();
    expect(asked.answer).toMatchObject({ color: RED });
  });

  it('is nothing to stand on when even the second one is refused', async () => {
    const world = started();
    const asked = world.ask(ANNA);
    for (let i = 0; i < 2; i++) {
      await world.pass(1);
      world.follow('restarts');
      world.reply();
      await world.settle();
    }
    expect(asked.answer).toEqual(unavailable('source'));
  });

  it('forgets what was read whole when the source has lost history', async () => {
    const world = started();
    world.set(ANNA, RED);
    await world.get(ANNA);
    expect(world.whole.size).toBe(1);
    world.follow('new-epoch');
    expect(world.whole.size).toBe(0);
  });
});

describe('who does not exist', () => {
  it('is remembered as absent, up to when nothing was heard of them', async () => {
    const world = started();
    const asOf = world.source.now();
    expect(await world.get(NOBODY)).toEqual({ outcome: 'absent', asOf });
    await world.pass(1_500);
    world.follow();
    await world.pass(1_500);
    const later = { outcome: 'absent', asOf: world.freshness.resolved };
    expect(world.ask(NOBODY).answer).toEqual(later);
    expect(world.loads).toEqual([]);
  });

  it('is asked for again when the time of that is over, and when it would be stale', async () => {
    const world = started();
    await world.get(NOBODY);
    await world.pass(CONFIG.staleAfterMs + 1);
    expect(world.ask(NOBODY).answer).toBeUndefined();
    world.reply();
    await world.settle();
    for (let ms = 0; ms <= CONFIG.negativeTtlMs; ms += 1_000) {
      world.follow();
      await world.pass(1_000);
    }
    world.follow();
    expect(world.ask(NOBODY).answer).toBeUndefined();
    expect(world.loads.length).toBe(1);
  });

  it('is found in the first answer after they were inserted', async () => {
    const world = started();
    await world.get(NOBODY);
    world.set(NOBODY, RED);
    world.follow();
    expect(await world.get(NOBODY)).toMatchObject({ outcome: 'found', color: RED });
  });

  it('is forgotten as absent by who finds them before the feed does', async () => {
    const world = started();
    await world.get(NOBODY);
    world.set(NOBODY, RED);
    expect(await world.get(NOBODY, world.source.now())).toMatchObject({ color: RED });
    expect(world.negatives.size).toBe(0);
  });

  it('is read again when the insert came between the read and its reply', async () => {
    const world = started();
    const asked = world.ask(NOBODY);
    world.read();
    await world.pass(1);
    world.set(NOBODY, RED);
    world.follow();
    world.reply();
    await world.settle();
    world.reply();
    await world.settle();
    expect(asked.answer).toMatchObject({ outcome: 'found', color: RED });
  });

  it('is not remembered when an insert may have been forgotten since the read', async () => {
    const world = started({ fenceEntriesMax: 4 });
    const asked = world.ask(NOBODY);
    world.read();
    await world.pass(1);
    for (let n = 20; n < 26; n++) world.set(Buffer.alloc(16, n).toString('base64url'), GREEN);
    world.follow();
    world.reply();
    await world.settle();
    expect([asked.answer?.outcome, world.negatives.size]).toEqual(['absent', 0]);
  });

  it('is not believed from before a first load, neither remembered nor under way', async () => {
    const world = started();
    await world.get(NOBODY);
    const other = Buffer.alloc(16, 30).toString('base64url');
    const asked = world.ask(other);
    world.read();
    await world.pass(1);
    applyBatch(
      { ...world.source.batch({ xmax: 1e6, xip: [] }, 'continues'), firstLoad: true },
      world.freshness,
      world,
    );
    expect(world.negatives.size).toBe(0);
    world.reply();
    await world.settle();
    expect([asked.answer?.outcome, world.negatives.size]).toEqual(['absent', 0]);
  });

  it('is not believed from before the feed took its position anew', async () => {
    const world = started();
    await world.get(NOBODY);
    expect(world.negatives.size).toBe(1);
    world.follow('restarts');
    expect(world.negatives.size).toBe(0);
  });

  it('leaves memory when they were erased, and what was read whole too', async () => {
    const world = await holding();
    world.set(ANNA, undefined);
    expect(await world.get(ANNA, world.source.now())).toMatchObject({ outcome: 'absent' });
    // Known to have lived lately: not remembered as absent before the feed says so.
    expect([world.memory.size, world.negatives.size]).toEqual([1, 0]);
    world.set(BERT, RED, [1]);
    await world.get(BERT, world.source.now());
    world.set(BERT, undefined);
    world.follow();
    expect([world.whole.size, world.memory.size]).toEqual([0, 0]);
    expect(await world.get(BERT)).toMatchObject({ outcome: 'absent' });
  });
});
