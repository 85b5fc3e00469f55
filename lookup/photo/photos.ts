// The photo plane: memory, then the source. Its own budget and its own places; the color never waits for it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { Budget } from '../guards/budget.ts';
import { SingleFlight } from '../guards/single-flight.ts';
import { abortedAfter } from '../guards/timeout.ts';
import type { PhotoId } from '../health-code.ts';
import { BoundedMap } from '../layers/bounded-map.ts';
import type { Photo, PhotoSource } from '../source/source.ts';

export interface PhotosOptions {
  readonly photoMemoryBytesMax: number;
  readonly photoQueriesPerS: number;
  readonly photoInFlightMax: number;
  readonly photoTimeoutMs: number;
}

export type FoundPhoto = { readonly outcome: 'found'; readonly photo: Photo };
export type PhotoAnswer = FoundPhoto | { readonly outcome: 'absent' | 'unavailable' | 'shed' };

export interface PhotosStats {
  hits: number;
  misses: number;
  absent: number;
  shed: number;
  failures: number;
}

/** The bytes may come after the record that names them: absence is believed for this long. */
const ABSENT_MS = 1_000;
/** Of the time that a photo may take: how long it waits for the budget before it is asked for. */
const BUDGET_WAIT_SHARE = 0.5;
const ABSENT_MAX = 4_096;
/** Besides its bytes, and a bound on how many empty ones there can be. */
const ENTRY_BYTES = 200;

export class Photos {
  readonly stats: PhotosStats = { hits: 0, misses: 0, absent: 0, shed: 0, failures: 0 };
  readonly #source: PhotoSource;
  readonly #options: PhotosOptions;
  readonly #clock: Clock;
  readonly #memory: BoundedMap<PhotoId, FoundPhoto>;
  readonly #absent = new BoundedMap<PhotoId, { untilMonoMs: number }>({ entriesMax: ABSENT_MAX });
  readonly #flights = new SingleFlight<PhotoAnswer>();
  readonly #budget: Budget;

  constructor(source: PhotoSource, options: PhotosOptions, clock: Clock) {
    this.#source = source;
    this.#options = options;
    this.#clock = clock;
    this.#budget = new Budget(options.photoQueriesPerS, clock);
    this.#memory = new BoundedMap({
      entriesMax: Math.max(16, Math.ceil(options.photoMemoryBytesMax / 1_000)),
      bytesMax: options.photoMemoryBytesMax,
      bytesOf: ({ photo }) => photo.bytes.length + ENTRY_BYTES,
    });
  }

  /** Bytes held in memory. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  /** At once from memory; else up to `photoTimeoutMs`, and half of that more for the budget. Never rejects. */
  find(id: PhotoId): FoundPhoto | Promise<PhotoAnswer> {
    const held = this.#memory.get(id);
    if (held) {
      this.stats.hits += 1;
      return held;
    }
    this.stats.misses += 1;
    return this.#flights.do(id, 0, () => this.#load(id));
  }

  async #load(id: PhotoId): Promise<PhotoAnswer> {
    const absent = this.#absent.get(id);
    if (absent && absent.untilMonoMs > this.#clock.monoMs()) return { outcome: 'absent' };
    const isFull = this.#flights.size >= this.#options.photoInFlightMax;
    if (isFull || !(this.#budget.take() || (await this.#mayAskLater()))) {
      this.stats.shed += 1;
      return { outcome: 'shed' };
    }
    try {
      const photo = await abortedAfter(this.#options.photoTimeoutMs, (signal) =>
        this.#source.loadPhoto(id, signal),
      );
      return photo ? this.#keep(id, photo) : this.#keepAbsent(id);
    } catch {
      // Not knowing is not absence: nothing is remembered.
      this.stats.failures += 1;
      return { outcome: 'unavailable' };
    }
  }

  /** An image that comes a moment later is better than none: those under way wait for the budget, and are bounded. */
  async #mayAskLater(): Promise<boolean> {
    const untilMonoMs = this.#clock.monoMs() + this.#options.photoTimeoutMs * BUDGET_WAIT_SHARE;
    while (!this.#budget.take()) {
      const leftMs = untilMonoMs - this.#clock.monoMs();
      if (leftMs <= 0) return false;
      await sleep(Math.min(leftMs, this.#budget.waitMs()));
    }
    return true;
  }

  #keep(id: PhotoId, photo: Photo): FoundPhoto {
    const found: FoundPhoto = { outcome: 'found', photo };
    this.#memory.set(id, found);
    return found;
  }

  #keepAbsent(id: PhotoId): PhotoAnswer {
    this.stats.absent += 1;
    this.#absent.set(id, { untilMonoMs: this.#clock.monoMs() + ABSENT_MS });
    return { outcome: 'absent' };
  }
}
