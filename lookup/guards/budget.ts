import type { Clock } from '../clock.ts';

/**
 * At most so many a second, whatever the demand: a token bucket that holds a tenth of a second's worth, so that a pause
 * does not save up a burst.
 */
export class Budget {
  readonly #perMs: number;
  readonly #tokensMax: number;
  readonly #clock: Clock;
  #tokens: number;
  #refilledMonoMs: number;

  constructor(perS: number, clock: Clock) {
    this.#perMs = perS / 1_000;
    this.#tokensMax = Math.max(1, perS / 10);
    this.#clock = clock;
    this.#tokens = this.#tokensMax;
    this.#refilledMonoMs = clock.monoMs();
  }

  /** @returns whether one was there to take */
  take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until one is there. */
  waitMs(): number {
    this.#refill();
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs);
  }

  #refill(): void {
    const now = this.#clock.monoMs();
    this.#tokens = Math.min(
      this.#tokensMax,
      this.#tokens + (now - this.#refilledMonoMs) * this.#perMs,
    );
    this.#refilledMonoMs = now;
  }
}
