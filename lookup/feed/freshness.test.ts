import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { GREEN, RED } from '../health-code.ts';
import { type Batch, covers, seenBy } from './feed.ts';
import { Freshness } from './freshness.ts';

const SOURCE_AHEAD = 5_000_000;
const OPTIONS = {
  staleAfterMs: 2_000,
  graceMs: 3_600_000,
  fenceMs: 30_000,
  fenceEntriesMax: 1_000,
};
const SUBJECT = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** A source whose clock runs SOURCE_AHEAD of our monotonic one, and a process that follows it. */
function world(options: Partial<typeof OPTIONS> = {}) {
  const clock = new ManualClock();
  const freshness = new Freshness({ ...OPTIONS, ...options }, clock);
  const sourceNow = () => clock.monoMs() + SOURCE_AHEAD;
  const batch = (part: Partial<Batch> = {}): Batch => ({
    resolved: sourceNow(),
    askedMonoMs: clock.monoMs(),
    snapshot: { xmax: 100, xip: [] },
    ahead: undefined,
    cursor: { snapshot: '100:100:', token: undefined, epoch: 'e1', at: sourceNow() },
    epoch: 'e1',
    people: [],
    floors: [],
    firstLoad: false,
    joins: 'continues',
    ...part,
  });
  const begin = () => freshness.apply(batch({ joins: 'restarts' }));
  return { clock, freshness, sourceNow, batch, begin };
}

const person = (version: number) =>
  ({ subject: SUBJECT, version, color: GREEN, areas: [], photo: undefined, xid: 1 }) as const;

describe('snapshots', () => {
  it('sees what committed below xmax and was not open', () => {
    expect(seenBy({ xmax: 10, xip: [7] }, 6)).toBe(true);
    expect(seenBy({ xmax: 10, xip: [7] }, 7)).toBe(false);
    expect(seenBy({ xmax: 10, xip: [7] }, 10)).toBe(false);
  });

  it('covers another exactly when it has seen all that the other has', () => {
    const snapshot = fc.record({
      xmax: fc.integer({ min: 1, max: 12 }),
      xip: fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(snapshot, snapshot, (a, b) => {
        const all = Array.from({ length: 14 }, (_, xid) => xid);
        const covered = all.every((xid) => !seenBy(b, xid) || seenBy(a, xid));
        // A smaller xmax may still cover when nothing below the larger one was committed: it then errs to the safe
        // side.
        if (covers(a, b)) expect(covered).toBe(true);
        else expect(covered && a.xmax >= b.xmax).toBe(false);
      }),
    );
  });
});

describe('age', () => {
  it('is stale before a first batch', () => {
    const { freshness } = world();
    expect(freshness.suspect).toBe(true);
    expect(freshness.started).toBe(false);
  });

  it('becomes stale after silence, and fresh again with the next batch', () => {
    const { clock, freshness, begin, batch } = world();
    begin();
    expect(freshness.suspect).toBe(false);
    clock.advance(1_900);
    expect(freshness.suspect).toBe(false);
    clock.advance(200);
    expect(freshness.suspect).toBe(true);
    freshness.apply(batch());
    expect(freshness.suspect).toBe(false);
  });

  it('counts a message that lay in a buffer from when it was asked for', () => {
    const { clock, freshness, sourceNow, batch, begin } = world();
    begin();
    const late = batch({ resolved: sourceNow() });
    clock.advance(5_000);
    freshness.apply(late);
    expect(freshness.ageMs(late.resolved)).toBeGreaterThanOrEqual(5_000);
    expect(freshness.suspect).toBe(true);
  });

  it('is never told younger than it is, however late messages arrive from the start', () => {
    const delays = fc.array(
      fc.record({
        inFlight: fc.integer({ min: 0, max: 8_000 }),
        pause: fc.integer({ min: 0, max: 500 }),
      }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(delays, (steps) => {
        const { clock, freshness, sourceNow, batch, begin } = world();
        begin();
        for (const { inFlight, pause } of steps) {
          const asked = clock.monoMs();
          const resolved = sourceNow();
          clock.advance(inFlight);
          freshness.apply(batch({ resolved, askedMonoMs: asked }));
          clock.advance(pause);
          expect(freshness.ageMs(freshness.resolved)).toBeGreaterThanOrEqual(
            sourceNow() - resolved,
          );
        }
      }),
    );
  });

  it('is told in full when every message is late from the start, for longer than any window', () => {
    const { clock, freshness, batch } = world();
    for (let seconds = 0; seconds < 300; seconds++) {
      const late = batch(seconds === 0 ? { joins: 'restarts' } : {});
      clock.advance(5_000);
      freshness.apply(late);
      expect(freshness.ageMs(freshness.resolved)).toBeGreaterThanOrEqual(5_000);
      expect(freshness.suspect).toBe(true);
    }
  });

  it('is suspect after a step of the wall clock, until a round trip that began after it', () => {
    const { clock, freshness, batch, begin } = world();
    begin();
    const before = batch();
    clock.stepWall(60_000);
    expect(freshness.suspect).toBe(true);
    freshness.apply(before);
    expect(freshness.suspect).toBe(true);
    clock.advance(1);
    freshness.apply(batch());
    expect(freshness.suspect).toBe(false);
  });

  it('takes the larger of both clocks when a machine slept and the monotonic one did not count', () => {
    const { clock, freshness, begin } = world();
    begin();
    const asOf = freshness.resolved;
    clock.stepWall(3_600_000);
    expect(freshness.ageMs(asOf)).toBeGreaterThanOrEqual(3_600_000);
  });
});

describe('fills', () => {
  it('are refused when a change overtook them', () => {
    const { freshness, batch, begin } = world();
    begin();
    freshness.apply(batch({ people: [person(7)] }));
    expect(freshness.isOvertaken(SUBJECT, 6)).toBe(true);
    expect(freshness.isOvertaken(SUBJECT, 7)).toBe(false);
    expect(freshness.mayBeAbsent(SUBJECT)).toBe(false);
  });

  it('cannot bring back an erased person, whom a read may well find absent', () => {
    const { freshness, batch, begin } = world();
    begin();
    freshness.apply(batch({ people: [person(7)] }));
    freshness.apply(batch({ people: [{ subject: SUBJECT, version: 8, erased: true, xid: 1 }] }));
    expect(freshness.isOvertaken(SUBJECT, 7)).toBe(true);
    expect(freshness.mayBeAbsent(SUBJECT)).toBe(true);
  });

  it('are kept only once the feed has passed their transaction', () => {
    const { clock, freshness, batch, begin } = world();
    begin();
    const began = clock.monoMs();
    expect(freshness.mayKeep(100, began)).toBe(false);
    freshness.apply(batch({ snapshot: { xmax: 102, xip: [100] } }));
    expect(freshness.mayKeep(100, began)).toBe(false);
    freshness.apply(batch({ snapshot: { xmax: 103, xip: [] } }));
    expect(freshness.mayKeep(100, began)).toBe(true);
  });

  it('that began before the position was taken are not kept', () => {
    const { clock, freshness, begin } = world();
    const began = clock.monoMs();
    clock.advance(10);
    begin();
    expect(freshness.mayKeep(1, began)).toBe(false);
    expect(freshness.mayKeep(1, clock.monoMs())).toBe(true);
  });

  it('that began before something was forgotten are not kept, even in a tiny fence', () => {
    const { clock, freshness, batch, begin } = world({ fenceEntriesMax: 4 });
    begin();
    const began = clock.monoMs();
    clock.advance(10);
    const people = Array.from({ length: 9 }, (_, i) => ({
      ...person(i + 1),
      subject: `AAAAAAAAAAAAAAAAAAAA${i}A`,
    }));
    freshness.apply(batch({ people }));
    expect(freshness.fence.size).toBeLessThanOrEqual(5);
    expect(freshness.mayKeep(1, began)).toBe(false);
  });

  it('that took longer than the fence lasts are not kept', () => {
    const { clock, freshness, batch, begin } = world();
    begin();
    const began = clock.monoMs();
    for (let i = 0; i < 61; i++) {
      clock.advance(1_000);
      freshness.apply(batch({ people: [person(i + 1)] }));
    }
    expect(freshness.mayKeep(1, began)).toBe(false);
  });

  it('find every version still known after a long silence of the feed', () => {
    const { clock, freshness, batch, begin } = world();
    begin();
    freshness.apply(batch({ people: [person(7)] }));
    for (let i = 0; i < 120; i++) {
      clock.advance(1_000);
      freshness.fence.note(`AAAAAAAAAAAAAAAAAAA${i + 100}`, 1);
    }
    expect(freshness.isOvertaken(SUBJECT, 6)).toBe(true);
  });
});

describe('generations', () => {
  it('keep the time up to which what was held had been kept up with', () => {
    const { clock, freshness, batch, begin } = world();
    begin();
    const old = freshness.generation;
    const until = freshness.resolved;
    clock.advance(10_000);
    freshness.apply(batch({ joins: 'restarts' }));
    expect(freshness.heldAsOf(old)).toBe(until);
    expect(freshness.heldAsOf(freshness.generation)).toBe(freshness.resolved);
    expect(freshness.isStale(freshness.ageMs(freshness.heldAsOf(old)))).toBe(true);
  });

  it('forget floors and versions when the source lost history', () => {
    const { freshness, batch, begin } = world();
    begin();
    freshness.apply(
      batch({ people: [person(900)], floors: [{ area: 3, floor: RED, version: 901 }] }),
    );
    freshness.apply(
      batch({ joins: 'new-epoch', epoch: 'e2', floors: [{ area: 3, floor: GREEN, version: 5 }] }),
    );
    expect(freshness.floors.floorOf(3)).toBe(GREEN);
    expect(freshness.isOvertaken(SUBJECT, 6)).toBe(false);
  });

  it('what a layer had before it was heard of another source may be older than what was read there', () => {
    const { clock, freshness, sourceNow, batch, begin } = world();
    begin();
    expect(freshness.isBeforeForgotten(sourceNow())).toBe(false);
    const late = batch({ joins: 'new-epoch', epoch: 'e2' });
    clock.advance(300);
    freshness.apply(late);
    expect(freshness.isBeforeForgotten(late.resolved)).toBe(true);
    clock.advance(1);
    expect(freshness.isBeforeForgotten(sourceNow())).toBe(false);
  });
});

describe('floors', () => {
  it('keep the newer, and never take an unknown one for green', () => {
    const { freshness, batch, begin } = world();
    begin();
    expect(freshness.floors.floorOf(3)).toBe(0);
    freshness.apply(batch({ floors: [{ area: 3, floor: RED, version: 9 }] }));
    freshness.apply(batch({ floors: [{ area: 3, floor: GREEN, version: 8 }] }));
    expect(freshness.floors.floorOf(3)).toBe(RED);
  });
});
