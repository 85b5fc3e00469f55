import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { Fence } from './fence.ts';

const FENCE_MS = 30_000;
const [ANNA, BERT] = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBA'];

function world(fenceEntriesMax = 1_000, mayExpire = () => true) {
  const clock = new ManualClock();
  const fence = new Fence({ fenceMs: FENCE_MS, fenceEntriesMax }, clock, mayExpire);
  return { clock, fence };
}

describe('the fence', () => {
  it('knows the newest version of who changed, and nothing of others', () => {
    const { fence } = world();
    fence.note(ANNA, 7);
    fence.note(ANNA, 5);
    expect([fence.versionOf(ANNA), fence.versionOf(BERT)]).toEqual([7, 0]);
    expect([fence.isAlive(ANNA), fence.isAlive(BERT)]).toEqual([true, false]);
  });

  it('knows of the erased that they may be absent, and who lives again', () => {
    const { fence } = world();
    fence.note(ANNA, 7);
    fence.note(ANNA, 8, true);
    expect([fence.versionOf(ANNA), fence.isAlive(ANNA)]).toEqual([8, false]);
    fence.note(ANNA, 7);
    expect([fence.versionOf(ANNA), fence.isAlive(ANNA)]).toEqual([8, false]);
    fence.note(ANNA, 9);
    expect([fence.versionOf(ANNA), fence.isAlive(ANNA)]).toEqual([9, true]);
  });

  it('forgets in time, and says since when it knows all', () => {
    const { clock, fence } = world();
    const begun = clock.monoMs();
    expect(fence.completeSinceMonoMs).toBe(begun);
    fence.note(ANNA, 7);
    for (let second = 0; second < 65; second++) {
      clock.advance(1_000);
      fence.note(BERT, second + 1);
    }
    expect([fence.versionOf(ANNA), fence.versionOf(BERT)]).toEqual([0, 65]);
    expect(fence.completeSinceMonoMs).toBeGreaterThan(begun);
    expect(fence.completeSinceMonoMs).toBeLessThanOrEqual(clock.monoMs() - FENCE_MS);
  });

  it('does not expire while the process is suspect', () => {
    let suspect = true;
    const { clock, fence } = world(1_000, () => !suspect);
    fence.note(ANNA, 7);
    const pass = () => {
      for (let second = 0; second < 65; second++) {
        clock.advance(1_000);
        fence.note(BERT, clock.monoMs());
      }
    };
    pass();
    expect(fence.versionOf(ANNA)).toBe(7);
    suspect = false;
    pass();
    expect(fence.versionOf(ANNA)).toBe(0);
  });

  it('knows nothing of before once it is told to forget, and believes no read of before', () => {
    const { clock, fence } = world();
    fence.note(ANNA, 7);
    clock.advance(100);
    fence.forget();
    expect([fence.versionOf(ANNA), fence.size]).toEqual([0, 0]);
    expect(fence.completeSinceMonoMs).toBe(clock.monoMs());
  });

  it('keeps its versions when only what was missed is not known', () => {
    const { clock, fence } = world();
    fence.note(ANNA, 7);
    clock.advance(100);
    fence.restart();
    expect([fence.versionOf(ANNA), fence.completeSinceMonoMs]).toEqual([7, clock.monoMs()]);
  });
});

describe('whatever is noted, and whenever', () => {
  const subject = fc.nat(11).map((n) => Buffer.alloc(16, n).toString('base64url'));
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ note: subject, newer: fc.nat(3), erased: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ pass: fc.constantFrom(1, 1_000, 9_000, 29_000, 31_000) }) },
    { weight: 1, arbitrary: fc.record({ pass: fc.constant(0) }) },
  );
  const steps = fc.array(step, { maxLength: 80, size: 'max' });

  /** Every version as it was last noted, or seen to be current. */
  function play(fenceEntriesMax: number, check: (at: ReturnType<typeof look>) => void) {
    return fc.property(steps, (sequence) => {
      const { clock, fence } = world(fenceEntriesMax);
      const noted = new Map<string, { version: number; atMs: number }>();
      let last = 0;
      for (const one of sequence) {
        if ('pass' in one) clock.advance(one.pass);
        else {
          // The same version again, or a newer one.
          const before = noted.get(one.note)?.version;
          const version = before !== undefined && one.newer === 0 ? before : ++last;
          fence.note(one.note, version, one.erased);
          noted.set(one.note, { version, atMs: clock.monoMs() });
        }
        for (const [name, { version, atMs }] of noted)
          check(look(fence, name, version, clock.monoMs() - atMs, atMs));
        expect(fence.size).toBeLessThanOrEqual(fenceEntriesMax);
      }
    });
  }
  const look = (fence: Fence, name: string, version: number, agoMs: number, atMs: number) => ({
    forgotten: fence.versionOf(name) < version,
    known: fence.versionOf(name),
    version,
    agoMs,
    atMs,
    completeSinceMonoMs: fence.completeSinceMonoMs,
  });

  it('never forgets a version sooner than its time, while there is room', () => {
    fc.assert(
      play(1_000, ({ forgotten, agoMs, known, version }) => {
        expect(known).toBeLessThanOrEqual(version);
        if (forgotten) expect(agoMs).toBeGreaterThanOrEqual(FENCE_MS);
      }),
    );
  });

  it('never forgets one without saying that it does not know all since then', () => {
    fc.assert(
      play(6, ({ forgotten, atMs, completeSinceMonoMs }) => {
        if (forgotten) expect(completeSinceMonoMs).toBeGreaterThanOrEqual(atMs);
      }),
    );
  });
});
