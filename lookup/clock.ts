/** Time, passed in so that tests own it. */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary start: for every duration and every age. */
  monoMs(): number;
  /** Wall clock, milliseconds since 1970: for token expiry and for what people read. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monoMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #monoMs = 1_000;
  #wallMs: number;

  constructor(wallMs = 1_700_000_000_000) {
    this.#wallMs = wallMs;
  }

  monoMs(): number {
    return this.#monoMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  /** Both clocks move on. */
  advance(ms: number): void {
    this.#monoMs += ms;
    this.#wallMs += ms;
  }

  /** Only the wall clock moves: somebody set it. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }
}
