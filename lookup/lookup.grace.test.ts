// The heart's last steps: grace, nothing to stand on, and the caller who wants nothing older than a time.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ANNA,
  BERT,
  CONFIG,
  holding,
  holdTime,
  type ModelWorld,
  NOBODY,
  started,
} from '../test/model-world.ts';
import { type Answer, type Found, GREEN, RED, YELLOW } from './health-code.ts';

beforeEach(() => {
  holdTime();
});
afterEach(() => {
  vi.useRealTimers();
});

const SOFT_MS = CONFIG.sourceTimeoutSoftMs;
const unavailable = (reason: string) => ({ outcome: 'unavailable', reason });

describe('6. grace', () => {
  /** Stale in memory, and asked of the source by a caller who came while nothing was held for others. */
  async function stale(): Promise<{ world: ModelWorld; asked: { answer: Answer | undefined } }> {
    const world = await holding();
    const { asOf } = world.ask(ANNA).answer as Found;
    await world.pass(CONFIG.staleAfterMs + 1);
    expect(world.ask(ANNA).answer).toMatchObject({ stale: true, asOf });
    // The revalidation is a flight like any other: who joins it hears what it comes to.
    const flight = { answer: undefined as Answer | undefined };
    const flights = world.flights.do(ANNA, world.clock.monoMs(), () => Promise.reject());
    void flights.then((answer) => Object.assign(flight, { answer }));
    return { world, asked: flight };
  }

  it('gives the stale one when the source is slow, and keeps what comes later', async () => {
    const { world, asked } = await stale();
    await world.pass(SOFT_MS - 1);
    expect(asked.answer).toBeUndefined();
    await world.pass(1);
    expect(asked.answer).toMatchObject({ color: GREEN, stale: true, layer: 'memory' });
    world.set(ANNA, RED);
    world.reply();
    await world.settle();
    expect(world.ask(ANNA).answer).toMatchObject({ color: RED, stale: false, layer: 'source' });
  });

  it('gives the stale one when the source fails, and drops nothing', async () => {
    const { world, asked } = await stale();
    world.fail();
    await world.settle();
    expect(asked.answer).toMatchObject({ color: GREEN, stale: true });
    expect(world.memory.size).toBe(2);
    expect(world.ask(BERT).answer).toMatchObject({ color: YELLOW, stale: true });
  });

  it('gives what is held when the wait is over, not what was held before it', async () => {
    const { world, asked } = await stale();
    world.set(ANNA, RED);
    world.follow();
    await world.pass(SOFT_MS);
    expect(asked.answer).toMatchObject({ color: RED, stale: false });
  });

  it('gives the younger of what memory vouches for and what was read whole', async () => {
    const { world } = await stale();
    world.reply();
    await world.settle();
    expect(world.whole.size).toBe(1);
    await world.pass(1_000);
    world.follow();
    const { resolved } = world.freshness;
    await world.pass(CONFIG.staleAfterMs + 1);
    expect(world.ask(ANNA).answer).toMatchObject({ stale: true, asOf: resolved });
    const joined = world.flights.do(ANNA, 0, () => Promise.reject());
    world.fail();
    expect(await joined).toMatchObject({ stale: true, asOf: resolved });
  });

  it('waits on for the source when what was held has gone meanwhile', async () => {
    const { world, asked } = await stale();
    world.set(ANNA, undefined);
    world.follow();
    await world.pass(SOFT_MS);
    expect(asked.answer).toBeUndefined();
    world.reply();
    await world.settle();
    expect(asked.answer).toMatchObject({ outcome: 'absent' });
  });
});

describe('7. nothing to stand on', () => {
  it('says "source" when it fails, remembers no failure, and asks anew', async () => {
    const world = started();
    const asked = world.ask(ANNA);
    world.fail();
    await world.settle();
    expect(asked.answer).toEqual(unavailable('source'));
    expect(await world.get(ANNA)).toMatchObject({ color: GREEN });
  });

  it('lets a caller go at the deadline, while the flight goes on for the others', async () => {
    const world = started();
    const [hasty, patient] = [world.ask(ANNA, undefined, 200), world.ask(ANNA)];
    await world.pass(199);
    expect(hasty.answer).toBeUndefined();
    await world.pass(1);
    expect(hasty.answer).toEqual(unavailable('deadline'));
    world.reply();
    await world.settle();
    expect(patient.answer).toMatchObject({ color: GREEN });
    expect(world.memory.size).toBe(1);
  });

  it('says "deadline" to who comes after it', async () => {
    const world = started();
    const late = world.ask(ANNA, undefined, 0);
    await world.settle();
    expect(late.answer).toEqual(unavailable('deadline'));
  });

  it('never takes a floor that is not known for green', async () => {
    const world = started();
    const green = { version: 2, color: GREEN, photo: undefined } as const;
    world.memory.put({ subject: ANNA, areas: [77], ...green }, world.freshness.generation);
    expect(world.ask(ANNA).answer).toBeUndefined();
    world.set(NOBODY, GREEN, [77]);
    world.follow();
    expect(await world.get(NOBODY)).toEqual(unavailable('source'));
    world.setFloor(77, RED);
    world.follow();
    expect(await world.get(NOBODY)).toMatchObject({ color: RED });
  });
});

describe('a caller who knows what was written', () => {
  it('is answered from memory when it is that far', async () => {
    const world = await holding();
    expect(world.ask(ANNA, world.freshness.resolved).answer).toMatchObject({ layer: 'memory' });
  });

  it('joins no flight that began before, and is joined by who comes after', async () => {
    const world = started();
    const early = world.ask(ANNA);
    await world.pass(1);
    world.set(ANNA, RED);
    const exact = world.ask(ANNA, world.source.now());
    const after = world.ask(ANNA);
    expect(world.loads.length).toBe(2);
    world.reply(1);
    await world.settle();
    expect([early.answer, exact.answer, after.answer]).toMatchObject([
      undefined,
      { color: RED },
      { color: RED },
    ]);
  });

  it('hears "not-yet" instead of something older, and of no stale answer', async () => {
    const world = await holding();
    expect(await world.get(ANNA, world.source.now() + 1)).toEqual(unavailable('not-yet'));
    await world.pass(CONFIG.staleAfterMs + 1);
    const failing = world.ask(ANNA, world.source.now());
    world.fail();
    await world.settle();
    expect(failing.answer).toEqual(unavailable('source'));
    const hasty = world.ask(ANNA, world.source.now(), 200);
    await world.pass(200);
    expect(hasty.answer).toEqual(unavailable('deadline'));
  });
});
