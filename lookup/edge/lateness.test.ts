import { describe, expect, it } from 'vitest';
import { Lateness } from './lateness.ts';

const LATE_MS = 30;
const [ALONE, HELD_UP] = [1, 0.3];
const [USUAL, CROWDED] = [20, 60];

/** A loop in which a tick's length says how many ask, and how much of a processor it has. */
function loop({ isKnown }: { isKnown: boolean }) {
  let ownMs = 0;
  const lateness = new Lateness(() => ownMs);
  const tick = (lateMs: number, share: number, inTick: number, isCrowd = false) => {
    const passedMs = 20 + lateMs;
    ownMs += passedMs * share;
    lateness.tick(lateMs, passedMs, (inTick * passedMs) / 20, isCrowd);
  };
  const ticks = (count: number, ...each: Parameters<typeof tick>) => {
    for (let i = 0; i < count; i++) tick(...each);
  };
  if (isKnown) ticks(2_000, 0, HELD_UP, USUAL);
  return { lateness, ticks };
}

describe('the lateness that stands', () => {
  it.each([
    ['a process that fills a processor by itself', ALONE, USUAL],
    ['more who ask than usual, whoever has the processor', HELD_UP, CROWDED],
  ])('is there at the fifth tick for %s', (_, share, inTick) => {
    const { lateness, ticks } = loop({ isKnown: true });
    ticks(3, LATE_MS, share, inTick);
    expect(lateness.standingMs).toBe(0);
    ticks(1, LATE_MS, share, inTick);
    // All but one.
    expect(lateness.standingMs).toBe(LATE_MS);
    ticks(2, 0, share, inTick);
    expect(lateness.standingMs).toBe(0);
  });

  it('takes a second where no more ask than usual and others have the processor', () => {
    const { lateness, ticks } = loop({ isKnown: true });
    ticks(23, LATE_MS, HELD_UP, USUAL);
    expect(lateness.standingMs).toBe(0);
    ticks(1, LATE_MS, HELD_UP, USUAL);
    expect(lateness.standingMs).toBe(LATE_MS);
  });

  it('is there at the fifth tick while nobody knows what is usual', () => {
    const { lateness, ticks } = loop({ isKnown: false });
    ticks(5, LATE_MS, HELD_UP, USUAL);
    expect(lateness.standingMs).toBe(LATE_MS);
  });

  it('learns nothing of what is usual from a crowd, and something from all else', () => {
    const { lateness, ticks } = loop({ isKnown: true });
    ticks(2_000, 0, HELD_UP, CROWDED, true);
    ticks(4, LATE_MS, HELD_UP, CROWDED);
    expect(lateness.standingMs).toBe(LATE_MS);
    ticks(2_000, 0, HELD_UP, CROWDED);
    ticks(10, LATE_MS, HELD_UP, CROWDED);
    expect(lateness.standingMs).toBe(0);
  });

  it('comes with what an operator wants to know of it', () => {
    const { lateness, ticks } = loop({ isKnown: true });
    ticks(4, LATE_MS, HELD_UP, CROWDED);
    const { usual_per_s, ...signs } = lateness.signs;
    expect(signs).toEqual({ late_ms: [30, 30, 30, 30, 0], own_share: 0.3, asked_per_s: 2_818 });
    expect(usual_per_s).toBeGreaterThan(1_000);
    expect(usual_per_s).toBeLessThan(1_100);
  });

  it('is told of two ticks in a crowd', () => {
    const { lateness, ticks } = loop({ isKnown: true });
    ticks(1, LATE_MS, ALONE, CROWDED);
    expect(lateness.lastMs).toBe(0);
    ticks(1, 2 * LATE_MS, ALONE, CROWDED);
    expect(lateness.lastMs).toBe(LATE_MS);
  });

  it('knows by itself how much of a processor it has', async () => {
    const during = async (work: () => Promise<void> | void) => {
      const lateness = new Lateness();
      let before = performance.now();
      const tick = (lateMs: number, came: number) => {
        const now = performance.now();
        lateness.tick(lateMs, now - before, came, false);
        before = now;
      };
      // What is usual is learned in a tick that was long enough.
      lateness.tick(0, 10_000, 1_000_000, false);
      for (let i = 0; i < 5; i++) {
        await work();
        tick(LATE_MS, 1);
      }
      return lateness.standingMs;
    };
    const sleep = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
    const work = () => {
      const until = process.cpuUsage().user + 20_000;
      while (process.cpuUsage().user < until);
    };
    expect(await during(sleep)).toBe(0);
    expect(await during(work)).toBe(LATE_MS);
  });
});
