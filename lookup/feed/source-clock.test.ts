import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { SourceClock } from './source-clock.ts';

/** A source whose clock is so far ahead of ours, and may be set. */
function world() {
  const clock = new ManualClock();
  const source = { aheadMs: 5_000_000 };
  const sourceClock = new SourceClock(clock);
  const sourceNow = () => clock.monoMs() + source.aheadMs;
  /** The source is asked, and its answer takes so long. */
  const ask = (tookMs = 1) => {
    const asked = clock.monoMs();
    const told = sourceNow();
    clock.advance(tookMs);
    sourceClock.observe(told, asked);
  };
  return { clock, source, sourceClock, sourceNow, ask };
}

describe("a source's clock that is set forward", () => {
  it('makes every age unknown when a message tells it, until the source has been asked', () => {
    const { clock, source, sourceClock, sourceNow, ask } = world();
    ask();
    source.aheadMs += 60_000;
    const told = sourceNow();
    // The message was under way for ten seconds: by it alone the clock would seem ten seconds behind.
    clock.advance(10_000);
    sourceClock.observeAtLeast(told);
    expect(sourceClock.trusted).toBe(false);
    clock.advance(1);
    ask();
    expect(sourceClock.trusted).toBe(true);
    expect(sourceClock.ageMs(told)).toBeGreaterThanOrEqual(10_000);
  });

  it('is known from the round trip that tells it, however long that took', () => {
    const { source, sourceClock, sourceNow, ask } = world();
    ask();
    source.aheadMs += 60_000;
    const told = sourceNow();
    ask(5_000);
    expect(sourceClock.trusted).toBe(true);
    expect(sourceClock.ageMs(told)).toBeGreaterThanOrEqual(5_000);
  });
});
