import type { Clock } from '../clock.ts';
import type { SourceMs } from '../health-code.ts';

/** How much a clock may run fast beside another: more than any sound quartz does. */
const DRIFT_MAX = 200e-6;

/** Wall and monotonic clock of this process may part by this much between two reads before one of them was stepped. */
const STEP_MS = 500;

/**
 * How old an instant of the source's clock is, without trust in clocks. The source's clock was read after `asked`, so
 * it was at most `sourceMs - asked` ahead of our monotonic one; the smallest such difference seen lately is nearest
 * to the truth, and makes every age an upper bound: a message that lay in a buffer is old on arrival.
 */
export class SourceClock {
  readonly #clock: Clock;
  #aheadMs = Number.NaN;
  #observedMonoMs = 0;
  #wallAheadMs: number;
  #askAfterMonoMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallAheadMs = clock.wallMs() - clock.monoMs();
  }

  /** False until one round trip is known, and again after a clock was stepped: then every answer is stale. */
  get trusted(): boolean {
    this.#watch(this.#clock.monoMs(), this.#clock.wallMs());
    return this.trustedAtLastAge;
  }

  /** The same, as of the last `ageMs`: for who has just asked. */
  get trustedAtLastAge(): boolean {
    return !Number.isNaN(this.#aheadMs) && this.#askAfterMonoMs === -Infinity;
  }

  /**
   * @param sourceMs the source's clock
   * @param askedMonoMs our monotonic clock, before it was asked
   */
  observe(sourceMs: SourceMs, askedMonoMs: number): void {
    const now = this.#clock.monoMs();
    this.#watch(now, this.#clock.wallMs());
    const aheadMs = sourceMs - askedMonoMs;
    if (askedMonoMs > this.#askAfterMonoMs && this.#askAfterMonoMs !== -Infinity) {
      this.#askAfterMonoMs = -Infinity;
      this.#aheadMs = aheadMs;
    } else if (Number.isNaN(this.#aheadMs)) {
      this.#aheadMs = aheadMs;
    } else {
      const risen = this.#aheadMs + (now - this.#observedMonoMs) * DRIFT_MAX;
      // It was read before now, so it is ahead of what we thought: it was set forward, and only this round trip counts.
      this.#aheadMs = sourceMs - now > risen ? aheadMs : Math.min(risen, aheadMs);
    }
    this.#observedMonoMs = now;
    this.#wallAheadMs = this.#clock.wallMs() - now;
  }

  /**
   * The source's clock showed this at some time before now. When that is more than it can be ahead, it was set forward,
   * by how much is not known until it is asked: a message may have been under way for long.
   */
  observeAtLeast(sourceMs: SourceMs): void {
    const now = this.#clock.monoMs();
    this.#watch(now, this.#clock.wallMs());
    const least = sourceMs - now;
    if (Number.isNaN(this.#aheadMs)) return;
    const risen = this.#aheadMs + (now - this.#observedMonoMs) * DRIFT_MAX;
    if (least <= risen) return;
    this.#aheadMs = least;
    this.#observedMonoMs = now;
    this.#askAfterMonoMs = now;
  }

  /**
   * Upper bound, in milliseconds, of how long ago this instant was; zero is the least. On the path of every answer:
   * each clock is read once.
   */
  ageMs(asOf: SourceMs): number {
    const mono = this.#clock.monoMs();
    const wall = this.#clock.wallMs();
    this.#watch(mono, wall);
    const age = mono + this.#aheadMs + (mono - this.#observedMonoMs) * DRIFT_MAX - asOf;
    if (this.#askAfterMonoMs === -Infinity) return Math.max(age, 0);
    // Somebody slept or set a clock: the larger of what the two clocks say.
    const byWall = wall - this.#wallAheadMs + this.#aheadMs - asOf;
    return Math.max(0, age, byWall);
  }

  /** The source's clock by our own, at most. */
  nowAtMost(): SourceMs {
    return this.atMost(this.#clock.monoMs());
  }

  /** The same at another time of our monotonic clock; NaN until it is known. */
  atMost(monoMs: number): SourceMs {
    return monoMs + this.#aheadMs;
  }

  #watch(mono: number, wall: number): void {
    const parted = wall - mono - this.#wallAheadMs;
    if (parted <= STEP_MS && parted >= -STEP_MS) return;
    // Only a round trip that began after this says anything; until then all is stale.
    if (this.#askAfterMonoMs === -Infinity) this.#askAfterMonoMs = mono;
  }
}
