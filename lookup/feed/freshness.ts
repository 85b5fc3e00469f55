// How fresh this process is. Pure: a state machine fed with batches and a clock.

import type { Clock } from '../clock.ts';
import type { SourceMs, Subject } from '../health-code.ts';
import { type Batch, covers, type Snapshot, seenBy } from './feed.ts';
import { Fence } from './fence.ts';
import { Floors } from './floors.ts';
import { SourceClock } from './source-clock.ts';

export interface FreshnessOptions {
  readonly staleAfterMs: number;
  readonly graceMs: number;
  readonly fenceMs: number;
  readonly fenceEntriesMax: number;
}

/** What is held carries the low byte of the generation it belongs to. */
export const GENERATIONS = 256;

export class Freshness {
  readonly floors = new Floors();
  readonly fence: Fence;
  readonly clock: SourceClock;
  readonly #options: FreshnessOptions;
  readonly #local: Clock;
  #generation = 0;
  #resolved: SourceMs = -Infinity;
  #snapshot: Snapshot = { xmax: 0, xip: [] };
  #ahead: Snapshot | undefined;
  #epoch: string | undefined;
  /** Who waits for the next batch. */
  readonly #waiting = new Set<() => void>();
  #followsSinceMonoMs = Infinity;
  #absentSinceMonoMs = -Infinity;
  /** When versions of before could no longer be compared. */
  #forgotMonoMs = -Infinity;
  /** Up to when what was held in each generation had been kept up with. */
  readonly #ends = new Float64Array(GENERATIONS).fill(-Infinity);

  constructor(options: FreshnessOptions, clock: Clock) {
    this.#options = options;
    this.#local = clock;
    this.fence = new Fence(options, clock, () => !this.suspect);
    this.clock = new SourceClock(clock);
  }

  /** It knows the floors, and may answer. */
  get started(): boolean {
    return this.#epoch !== undefined;
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** All that was committed up to here has been applied. */
  get resolved(): SourceMs {
    return this.#resolved;
  }

  /** Records put into memory now carry this. */
  get generation(): number {
    return this.#generation % GENERATIONS;
  }

  /** A whole batch, in one tick: floors, fence and resolved time move together. */
  apply(batch: Batch): void {
    const first = this.#epoch === undefined;
    if (batch.joins !== 'continues') this.#turn(batch, first);
    for (const floor of batch.floors) this.floors.apply(floor);
    for (const change of batch.people) {
      this.fence.note(change.subject, change.version, 'erased' in change);
    }
    if (batch.firstLoad) this.#absentSinceMonoMs = this.#local.monoMs();
    // A batch that was delivered before, by another way or another leader, takes nothing back.
    const other = batch.epoch !== this.#epoch || batch.joins === 'new-epoch';
    if (other || covers(batch.snapshot, this.#snapshot)) this.#snapshot = batch.snapshot;
    this.#ahead = batch.ahead;
    this.#epoch = batch.epoch;
    this.#resolved = other ? batch.resolved : Math.max(this.#resolved, batch.resolved);
    if (batch.askedMonoMs === undefined) this.clock.observeAtLeast(batch.resolved);
    else this.clock.observe(batch.resolved, batch.askedMonoMs);
    for (const tell of this.#waiting) tell();
  }

  #turn(batch: Batch, first: boolean): void {
    this.#ends[this.generation] = this.#resolved;
    this.#generation += 1;
    this.floors.turn(this.generation);
    // Reads that began before the position was taken are not kept: they may lack a change that nobody will tell us of.
    this.#followsSinceMonoMs = this.#local.monoMs();
    this.#absentSinceMonoMs = this.#followsSinceMonoMs;
    if (batch.joins === 'new-epoch' && !first) {
      this.floors.forget();
      this.fence.forget();
      this.#forgotMonoMs = this.#local.monoMs();
    } else {
      this.fence.restart();
    }
  }

  /** When what was put into memory in this generation was last known to be current. */
  heldAsOf(generation: number): SourceMs {
    return generation === this.generation ? this.#resolved : (this.#ends[generation] as number);
  }

  /** Age in milliseconds, an upper bound. */
  ageMs(asOf: SourceMs): number {
    return this.clock.ageMs(asOf);
  }

  /** @param ageMs as `ageMs` has just told it */
  isStale(ageMs: number): boolean {
    return ageMs > this.#options.staleAfterMs || !this.clock.trustedAtLastAge;
  }

  isGone(ageMs: number): boolean {
    return ageMs > this.#options.graceMs;
  }

  /** Whether what is held cannot be vouched for just now. */
  get suspect(): boolean {
    return !this.started || this.isStale(this.ageMs(this.#resolved));
  }

  /** A record this old was overtaken by what this process knows: read again further down. */
  isOvertaken(subject: Subject, version: number): boolean {
    return version < this.fence.versionOf(subject);
  }

  /**
   * The source may have been another for a while before the feed told, and somebody may have been answered from it
   * since: the fence has forgotten that too, so what a layer had by then may be older. Not to be answered.
   */
  isBeforeForgotten(asOf: SourceMs): boolean {
    return asOf < this.clock.atMost(this.#forgotMonoMs);
  }

  /** A subject of whom a version is known is not absent, whatever a read says that began earlier. */
  mayBeAbsent(subject: Subject): boolean {
    return !this.fence.isAlive(subject);
  }

  /**
   * Whether a record from a read may be kept and combined with the floors held here: its transaction is among those
   * that the feed has applied, and every change since the read began is known.
   */
  mayKeep(xid: number, beganMonoMs: number): boolean {
    return this.#isApplied(xid) && this.#isComplete(beganMonoMs);
  }

  #isApplied(xid: number): boolean {
    return seenBy(this.#snapshot, xid) || (this.#ahead !== undefined && seenBy(this.#ahead, xid));
  }

  /** Resolves with the next batch, or when that takes too long: a silent feed must not gather those who wait for it. */
  nextBatch(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const tell = () => {
        clearTimeout(timer);
        this.#waiting.delete(tell);
        resolve();
      };
      const timer = setTimeout(tell, withinMs);
      this.#waiting.add(tell);
    });
  }

  /** How many wait for the next batch. */
  get waiting(): number {
    return this.#waiting.size;
  }

  mayKeepAbsent(beganMonoMs: number): boolean {
    return this.#isComplete(beganMonoMs) && beganMonoMs >= this.#absentSinceMonoMs;
  }

  /** Whether a read began after the feed's position was taken: all that changed since is told to this process. */
  isSinceFollowing(beganMonoMs: number): boolean {
    return beganMonoMs >= this.#followsSinceMonoMs;
  }

  #isComplete(beganMonoMs: number): boolean {
    return this.isSinceFollowing(beganMonoMs) && beganMonoMs >= this.fence.completeSinceMonoMs;
  }
}
