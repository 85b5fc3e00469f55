import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOf, openWorld, type Running, type World } from '../../test/service.ts';
import { ID_BYTES, writeId } from '../health-code.ts';
import { SubjectRates } from './subject-rates.ts';

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

  it('is one person, whichever of their tokens they ask with', async () => {
    const tokens = [world.token(idOf(3)), world.token(idOf(3), { issuer: 'alipay' })];
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push((await running.code(tokens[i % 2] as string)).status);
    expect(statuses.filter((status) => status !== 429).length).toBeLessThan(5);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('the rate', () => {
  const ids = Buffer.alloc(ID_BYTES);
  const allowing = (subjectPerS: number, subjectBurst: number) => {
    const rates = new SubjectRates({ subjectPerS, subjectBurst });
    return (person: number, nowMs: number) => {
      writeId(ids, 0, idOf(person));
      return rates.allow(ids, 0, nowMs);
    };
  };

  it('has the burst at once, from the first millisecond on, and then so many a second', () => {
    const allow = allowing(5, 20);
    const allowed = (from: number, count: number, everyMs: number) =>
      Array.from({ length: count }, (_, i) => allow(1, from + i * everyMs)).filter(Boolean).length;
    expect(allowed(0, 100, 0)).toBe(20);
    expect(allowed(1_000, 100, 0)).toBe(5);
    expect(allowed(1_000_000, 1_000, 10)).toBeGreaterThanOrEqual(69);
    expect(allowed(2_000_000, 1_000, 10)).toBeLessThanOrEqual(71);
  });

  it('is kept of thousands at once, and nobody has another’s', () => {
    const allow = allowing(1, 2);
    const people = Array.from({ length: 10_000 }, (_, person) => person);
    for (let round = 0; round < 2; round++)
      expect(people.every((person) => allow(person, 0))).toBe(true);
    // Some share a place, and begin anew.
    expect(people.filter((person) => !allow(person, 0)).length).toBeGreaterThan(8_500);
  });
});
