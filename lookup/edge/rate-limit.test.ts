import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOf, openWorld, type Running, type World } from '../../test/service.ts';
import { TokenMemory } from './token-memory.ts';

describe('one person', () => {
  let world: World;
  let running: Running;

  beforeAll(async () => {
    world = await openWorld();
    await world.writer.people(1, 2);
    running = await world.start({ config: { subjectPerS: 1, subjectBurst: 3 } });
    await running.service.ready;
  });
  afterAll(() => world.close());

  it('who asks without end is told to wait, and nobody else is', async () => {
    const [one, other] = [world.token(idOf(1)), world.token(idOf(2))];
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await running.code(one)).status);
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
    expect(statuses.slice(-1)).toEqual([429]);
    const refused = await running.code(one);
    expect(refused.json).toMatchObject({ type: 'urn:lookup:problem:rate-limited' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await running.code(other)).status).toBe(200);
  });

  it('has the burst at once, and then the rate', () => {
    const rate = { subjectPerS: 5, subjectBurst: 20 };
    const memory = new TokenMemory({ tokensMax: 1, lengthMax: 16 });
    const token = memory.add('a-token', idOf(1), 2e9);
    const allow = (nowMs: number) => memory.allow(token, nowMs, rate);
    const allowed = (from: number, count: number, everyMs: number) =>
      Array.from({ length: count }, (_, i) => allow(from + i * everyMs)).filter(Boolean).length;
    expect(allowed(1_000_000, 100, 0)).toBe(20);
    expect(allowed(1_001_000, 100, 0)).toBe(5);
    expect(allowed(2_000_000, 1_000, 10)).toBeGreaterThanOrEqual(69);
    expect(allowed(3_000_000, 1_000, 10)).toBeLessThanOrEqual(71);
    // A clock that was set back refuses nobody for longer than it takes to refill.
    expect(allow(10_000)).toBe(false);
    expect(allow(10_300)).toBe(true);
  });
});
