// Time that moves only when told to, for code that waits by timers: each timer that is due runs, and all that follows
// from it by promises, before the next one does. A run is repeated exactly by its seed.

import type { Clock } from '../../lookup/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  readonly everyMs: number | undefined;
  ended: boolean;
}

const later = setImmediate;
/** Timers that may fire without time going on: more is a loop that never waits. */
const AT_ONCE_MAX = 10_000;

export class SimTime {
  #now = 1_000;
  #order = 0;
  readonly #timers: Timer[] = [];
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = mulberry32(seed);
  }

  get now(): number {
    return this.#now;
  }

  /** From 0 to below 1. */
  random(): number {
    return this.#random();
  }

  between(least: number, most: number): number {
    return least + this.#random() * (most - least);
  }

  chance(likely: number): boolean {
    return this.#random() < likely;
  }

  after(ms: number, run: () => void, everyMs?: number): Timer {
    const at = this.#now + Math.max(ms, 0);
    const timer = { at, order: this.#order++, run, everyMs, ended: false };
    push(this.#timers, timer);
    return timer;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs all that is due until then. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    let [stoodAt, fired] = [this.#now, 0];
    await turn();
    for (;;) {
      const timer = this.#timers[0];
      if (!timer || timer.at > until) break;
      pop(this.#timers);
      if (timer.ended) continue;
      this.#now = Math.max(this.#now, timer.at);
      if (this.#now > stoodAt) [stoodAt, fired] = [this.#now, 0];
      else if (++fired > AT_ONCE_MAX) throw new Error('time does not go on');
      if (timer.everyMs === undefined) timer.ended = true;
      else push(this.#timers, Object.assign(timer, this.#again(timer.everyMs)));
      timer.run();
      await turn();
    }
    this.#now = until;
  }

  #again(everyMs: number) {
    return { at: this.#now + Math.max(everyMs, 1), order: this.#order++ };
  }

  /**
   * While `work` runs, timers, dates, chance and time limits of signals are of this time.
   * @throws while another time does: what is left of a test that ran out of patience would wait by this one, and this
   * one's by none once the other ends; then processes are suspect for no reason of their own
   */
  async rule<T>(work: () => Promise<T>): Promise<T> {
    if (ruled) throw new Error('another simulation is still under way');
    ruled = true;
    const kept = {
      ...globals(),
      random: Math.random,
      date: Date.now,
      timeout: AbortSignal.timeout,
    };
    const end = (timer: unknown) => {
      if (timer) (timer as Timer).ended = true;
    };
    const handle = (timer: Timer) => Object.assign(timer, { unref: () => timer, ref: () => timer });
    type Run = (...values: unknown[]) => void;
    Object.assign(globalThis, {
      setTimeout: (run: Run, ms = 0, ...values: unknown[]) =>
        handle(this.after(ms, () => run(...values))),
      setInterval: (run: Run, ms = 0, ...values: unknown[]) =>
        handle(this.after(ms, () => run(...values), ms)),
      setImmediate: (run: Run, ...values: unknown[]) => handle(this.after(0, () => run(...values))),
      clearTimeout: end,
      clearInterval: end,
      clearImmediate: end,
    });
    Math.random = () => this.random();
    Date.now = () => this.#now;
    AbortSignal.timeout = (ms) => {
      const ending = new AbortController();
      this.after(ms, () => ending.abort(new DOMException('it took too long', 'TimeoutError')));
      return ending.signal;
    };
    try {
      return await work();
    } finally {
      ruled = false;
      const { random, date, timeout, ...timers } = kept;
      Object.assign(globalThis, timers);
      Object.assign(Math, { random });
      Object.assign(Date, { now: date });
      Object.assign(AbortSignal, { timeout });
    }
  }
}

const globals = () => {
  const { setTimeout, setInterval, setImmediate } = globalThis;
  const { clearTimeout, clearInterval, clearImmediate } = globalThis;
  return { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };
};

/** There is one set of timers to take the place of. */
let ruled = false;

/** All that follows by promises. */
const turn = () => new Promise<void>((resolve) => later(resolve));

/** A clock of one machine: never twice the same, and it may be set. */
export class SimClock implements Clock {
  readonly #time: SimTime;
  #wallAheadMs: number;
  #monoAheadMs: number;
  #last = 0;

  constructor(time: SimTime) {
    this.#time = time;
    this.#monoAheadMs = time.between(0, 100_000);
    this.#wallAheadMs = 1_700_000_000_000 + time.between(-5_000, 5_000);
  }

  monoMs(): number {
    this.#last = Math.max(this.#last + 1e-6, this.#time.now + this.#monoAheadMs);
    return this.#last;
  }

  wallMs(): number {
    return this.#time.now + this.#wallAheadMs;
  }

  /** Somebody set the wall clock. */
  stepWall(ms: number): void {
    this.#wallAheadMs += ms;
  }

  /** The machine slept, and its monotonic clock did not count it. */
  sleep(ms: number): void {
    this.#monoAheadMs -= ms;
  }
}

const isBefore = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);

/** A binary heap, the first on top. */
function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!isBefore(timer, heap[above] as Timer)) break;
    heap[at] = heap[above] as Timer;
    at = above;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop() as Timer;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && isBefore(heap[below + 1] as Timer, heap[below] as Timer))
      below += 1;
    if (!isBefore(heap[below] as Timer, last)) break;
    heap[at] = heap[below] as Timer;
    at = below;
  }
  heap[at] = last;
}

/** A small generator of chance; good enough for schedules. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
