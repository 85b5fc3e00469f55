import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idOf } from '../../test/service.ts';
import { NOWHERE, type Place, TokenMemory } from './token-memory.ts';

const LENGTH_MAX = 600;
const memoryOf = (tokensMax: number) => new TokenMemory({ tokensMax, lengthMax: LENGTH_MAX });
/** The n-th token, as long as is asked for. */
const tokenOf = (n: number, length = 40) => `${`token-${n}.`.padEnd(length - 2, 'x')}${n % 10}=`;
const add = (memory: TokenMemory, n: number, length?: number) =>
  memory.add(tokenOf(n, length), idOf(n), n);

describe('a token that was added', () => {
  it('is found as it was spelled, with whose it is and for how long', () => {
    const memory = memoryOf(10);
    const place = add(memory, 7);
    expect(memory.find(tokenOf(7))).toBe(place);
    expect(memory.subject(place)).toBe(idOf(7));
    expect(memory.expiresWallS(place)).toBe(7);
    expect(memory.size).toBe(1);
    for (const other of ['', tokenOf(8), `${tokenOf(7)}x`, tokenOf(7).slice(1), tokenOf(7, 41)])
      expect(memory.find(other)).toBe(NOWHERE);
  });

  it('is not another that differs in one character, wherever', () => {
    const memory = memoryOf(10);
    add(memory, 7, LENGTH_MAX);
    const token = tokenOf(7, LENGTH_MAX);
    for (let at = 0; at < token.length; at++)
      expect(memory.find(`${token.slice(0, at)}y${token.slice(at + 1)}`)).toBe(NOWHERE);
  });

  it('is not remembered when it is too long, or no ASCII', () => {
    const memory = memoryOf(10);
    expect(add(memory, 1, LENGTH_MAX + 1)).toBe(NOWHERE);
    expect(memory.add('t\u00f6ken', idOf(1), 1)).toBe(NOWHERE);
    expect(memory.add('\ud83d'.repeat(LENGTH_MAX), idOf(1), 1)).toBe(NOWHERE);
    expect(memory.size).toBe(0);
  });
});

describe('who leaves', () => {
  it('is who was seen longest ago, by number', () => {
    const memory = memoryOf(10);
    for (let n = 0; n < 100; n++) {
      add(memory, n);
      expect(memory.find(tokenOf(0))).not.toBe(NOWHERE);
      expect(memory.size).toBe(Math.min(n + 1, 10));
    }
    expect(memory.subject(memory.find(tokenOf(0)))).toBe(idOf(0));
    expect(memory.find(tokenOf(99))).not.toBe(NOWHERE);
    expect(memory.find(tokenOf(85))).toBe(NOWHERE);
  });

  it('is who was seen longest ago, by the room that tokens take', () => {
    const memory = memoryOf(4);
    for (let n = 0; n < 4; n++) add(memory, n, LENGTH_MAX);
    expect(memory.size).toBe(3);
    expect(memory.find(tokenOf(0, LENGTH_MAX))).toBe(NOWHERE);
    for (let n = 1; n < 4; n++) expect(memory.find(tokenOf(n, LENGTH_MAX))).not.toBe(NOWHERE);
  });

  it('is somebody soon, where all were seen again: no addition goes through all of them', () => {
    const memory = memoryOf(20);
    const all = Array.from({ length: 20 }, (_, n) => n);
    for (const n of all) add(memory, n);
    for (const n of all) memory.find(tokenOf(n));
    add(memory, 20);
    expect(all.filter((n) => memory.find(tokenOf(n)) === NOWHERE)).toEqual([8]);
  });

  it('takes what was told of it along when it is the newest once more', () => {
    const memory = memoryOf(2);
    let place = add(memory, 0);
    memory.tell(place, 5, 6, 7);
    expect(memory.tell(place, 5, 6, 7)).toBe(true);
    memory.keepBody(place, 'kept');
    for (let n = 1; n < 10; n++) {
      add(memory, n);
      const was = place;
      place = memory.find(tokenOf(0));
      expect(was === place || !memory.tell(was, 5, 6, 7)).toBe(true);
    }
    expect(memory.subject(place)).toBe(idOf(0));
    expect([memory.slot(place), memory.version(place), memory.expiresWallS(place)]).toEqual([
      5, 6, 0,
    ]);
    expect(memory.body(place)?.toString()).toBe('kept');
  });

  it('is nobody else, when one is forgotten', () => {
    const memory = memoryOf(10);
    const places = [0, 1, 2, 3].map((n) => add(memory, n));
    memory.delete(places[1] as Place);
    memory.delete(places[1] as Place);
    expect(memory.size).toBe(3);
    expect([0, 1, 2, 3].map((n) => memory.find(tokenOf(n)))).toEqual(places.with(1, NOWHERE));
  });
});

describe('an answer that comes later', () => {
  it.each([
    ['others took the place', (memory: TokenMemory) => void add(memory, 1)],
    ['all were forgotten', (memory: TokenMemory) => memory.clear()],
    [
      'all were forgotten, and it was added anew',
      (memory: TokenMemory) => {
        memory.clear();
        add(memory, 0);
      },
    ],
  ])('is kept nowhere when %s', (_, happens) => {
    const memory = memoryOf(1);
    const place = add(memory, 0);
    happens(memory);
    expect(memory.tell(place, 1, 2, 3)).toBe(false);
    expect(memory.tell(place, 1, 2, 3)).toBe(false);
    for (const n of [0, 1]) {
      const now = memory.find(tokenOf(n));
      if (now !== NOWHERE) expect([memory.slot(now), memory.version(now)]).toEqual([-1, 0]);
    }
  });

  it('has a body of its own, until something else is told', () => {
    const memory = memoryOf(4);
    const [one, other] = [add(memory, 0), add(memory, 1)];
    for (const place of [one, other]) memory.tell(place, -1, 5, 6);
    expect(memory.body(one)).toBeUndefined();
    memory.keepBody(one, 'of one');
    memory.keepBody(other, 'of the other').latin1Write('O', 0, 1);
    expect(memory.body(one)?.toString()).toBe('of one');
    expect(memory.body(other)?.toString()).toBe('Of the other');
    expect(memory.tell(one, 3, 5, 6)).toBe(true);
    expect(memory.body(one)?.toString()).toBe('of one');
    expect(memory.tell(one, 3, 5, 7)).toBe(false);
    expect(memory.body(one)).toBeUndefined();
    expect(memory.keepBody(one, 'x'.repeat(500)).length).toBe(500);
    expect(memory.body(one)).toBeUndefined();
  });
});

it('whatever happens in whatever order, nobody gets what is another one’s', () => {
  const action = fc.record({
    what: fc.constantFrom('ask', 'ask', 'ask', 'tell late', 'delete', 'clear'),
    who: fc.nat(11),
    when: fc.nat(20),
  });
  const lengths = fc.array(fc.integer({ min: 12, max: LENGTH_MAX }), {
    minLength: 12,
    maxLength: 12,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      lengths,
      fc.array(action, { maxLength: 120 }),
      play,
    ),
    { numRuns: 2_000 },
  );
});

interface Action {
  readonly what: string;
  readonly who: number;
  readonly when: number;
}

/** Versions say whose they are, and so do bodies. */
function play(tokensMax: number, lengths: number[], actions: Action[]): void {
  const memory = memoryOf(tokensMax);
  const asked: { who: number; place: Place }[] = [];
  const tell = (who: number, place: Place, version: number) => {
    if (memory.tell(place, who, version, who)) memory.keepBody(place, `${who}:${version}`);
  };
  actions.forEach(({ what, who, when }, step) => {
    const token = tokenOf(who, lengths[who]);
    const version = 100 * (step >> 2) + who;
    if (what === 'clear') memory.clear();
    if (what === 'tell late') {
      const late = asked.at(-1 - when);
      if (late) tell(late.who, late.place, 100 * (step >> 2) + late.who);
    }
    if (what !== 'ask' && what !== 'delete') return;
    const found = memory.find(token);
    if (what === 'delete') {
      memory.delete(found);
      expect(memory.find(token)).toBe(NOWHERE);
      return;
    }
    const place = found === NOWHERE ? memory.add(token, idOf(who), who) : found;
    expect(memory.subject(place)).toBe(idOf(who));
    expect(memory.expiresWallS(place)).toBe(who);
    if (memory.version(place) !== 0) {
      expect(memory.version(place) % 100).toBe(who);
      expect(memory.slot(place)).toBe(who);
      const body = memory.body(place)?.toString();
      expect([undefined, `${who}:${memory.version(place)}`]).toContain(body);
    }
    tell(who, place, version);
    expect(memory.find(token)).toBe(place);
    expect(memory.size).toBeLessThanOrEqual(tokensMax);
    asked.push({ who, place });
  });
}
