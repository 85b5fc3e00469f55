// THE HEART: steps 2 to 7 of a lookup, in the README's order. Knows interfaces only.

import type { Clock } from './clock.ts';
import type { Freshness } from './feed/freshness.ts';
import { Budget } from './guards/budget.ts';
import { firstAnswer } from './guards/first-answer.ts';
import type { LoadedOne } from './guards/guarded-source.ts';
import type { SingleFlight } from './guards/single-flight.ts';
import { settledWithin } from './guards/timeout.ts';
import type {
  Absent,
  Answer,
  Found,
  SourceMs,
  Subject,
  Unavailable,
  UnavailableReason,
} from './health-code.ts';
import type { Layer, LayerLate, LayerRead } from './layers/layer.ts';
import {
  FoundInMemory,
  type Negative,
  type Remembered,
  type Side,
  settle,
} from './layers/remembered.ts';

export interface LookupParts {
  readonly memory: Remembered;
  /** Subjects that do not exist; a change to a subject drops its own. */
  readonly negatives: Side<Negative>;
  /**
   * Answers read whole from the source that the feed has not caught up with: true as of their own time, and no
   * longer.
   */
  readonly whole: Side<Found>;
  /** What lies between memory and the source, fastest first. */
  readonly layers: readonly Layer[];
  readonly source: {
    /** @param isOver asked once more before a question that waits is sent */
    load(subject: Subject, isOver: () => boolean): Promise<LoadedOne>;
    /** Questions that wait for a place. */
    readonly queued: number;
  };
  readonly freshness: Freshness;
  readonly flights: SingleFlight<Answer>;
  readonly clock: Clock;
}

export interface LookupOptions {
  readonly sourceTimeoutSoftMs: number;
  readonly negativeTtlMs: number;
  /** How long a record that is ahead of this process waits for the feed. */
  readonly layerAheadMs: number;
  /** Reads a second behind stale answers. */
  readonly revalidationsPerS: number;
  /** With this many waiting for the source, nothing is read that somebody does not wait for. */
  readonly sourceBatchMax: number;
}

/** When a layer was asked, and how far this process was then. */
interface LayerAsked {
  readonly layer: Layer;
  readonly subject: Subject;
  readonly resolved: SourceMs;
  readonly beganMonoMs: number;
}

/** What a layer that is late, and the source's queue, must know of the flight that asked them. */
interface Flight {
  isKnown: boolean;
  hasLanded: boolean;
}

export interface LookupStats {
  revalidations: number;
  overtaken: number;
  flightsAsked: number;
  flightsStarted: number;
}

const unavailable = (reason: UnavailableReason): Unavailable => ({
  outcome: 'unavailable',
  reason,
});

const PAST_DEADLINE = unavailable('deadline');

/** Worth not to wait for the source: what is stale comes back by grace, if the source has nothing better. */
const isWorth = (answer: Answer) =>
  answer.outcome !== 'unavailable' && !(answer.outcome === 'found' && answer.stale);

export class Lookup {
  readonly stats: LookupStats = {
    revalidations: 0,
    overtaken: 0,
    flightsAsked: 0,
    flightsStarted: 0,
  };
  readonly #parts: LookupParts;
  readonly #memory: Remembered;
  readonly #freshness: Freshness;
  readonly #options: LookupOptions;
  readonly #revalidating: Budget;

  constructor(parts: LookupParts, options: LookupOptions) {
    this.#parts = parts;
    this.#revalidating = new Budget(options.revalidationsPerS, parts.clock);
    this.#memory = parts.memory;
    this.#freshness = parts.freshness;
    this.#options = options;
  }

  /**
   * The whole path. Never rejects for an expected outcome.
   * @param subject canonical (isId)
   * @param deadlineMonoMs when the caller stops waiting, on the monotonic clock
   * @param minAsOf answer no older than this, or say unavailable ('not-yet')
   * @param mayWait whether the door lets this caller wait: if not, what memory does not answer is shed
   */
  find(
    subject: Subject,
    deadlineMonoMs: number,
    minAsOf = -Infinity,
    mayWait = true,
  ): Answer | Promise<Answer> {
    if (!this.#freshness.started) return unavailable('starting');
    if (minAsOf !== -Infinity) {
      return this.#findNoOlder(subject, deadlineMonoMs, minAsOf, mayWait);
    }
    const remembered = this.#fromMemory(this.#memory.find(subject));
    if (remembered === undefined || remembered.stale) {
      const whole = this.#fromWhole(subject, remembered);
      if (whole) return whole;
      if (remembered) {
        this.#revalidate(subject);
        return remembered;
      }
      const absent = this.#fromNegatives(subject);
      if (absent) return absent;
      if (!mayWait) return { outcome: 'shed' };
      return this.#byDeadline(this.#fly(subject), deadlineMonoMs);
    }
    return remembered;
  }

  /**
   * Step 2 for a caller who has been here before and knows where: no second look-up by the subject.
   * @param slot as `slotOf` told it, with the version that was answered then
   * @returns undefined when the place no longer holds that version, or it is stale: then `find`
   */
  recall(slot: number, version: number): Found | undefined {
    if (slot < 0 || this.#memory.versionAt(slot) !== version) return undefined;
    const found = this.#fromMemory(slot);
    return found === undefined || found.stale ? undefined : found;
  }

  /** Where memory has this answer; -1 when it came from elsewhere. */
  slotOf(found: Found): number {
    return found instanceof FoundInMemory ? found.slot : -1;
  }

  // --- 2. Memory

  #fromMemory(slot: number): Found | undefined {
    if (slot < 0) return undefined;
    const color = this.#memory.colorAt(slot);
    if (color === 0) return undefined;
    const asOf = this.#freshness.heldAsOf(this.#memory.generationAt(slot));
    const ageMs = this.#freshness.ageMs(asOf);
    if (this.#freshness.isGone(ageMs)) return undefined;
    const memory = this.#memory;
    return new FoundInMemory(memory, slot, color, asOf, ageMs, this.#freshness.isStale(ageMs));
  }

  /** An answer read whole, newer than what memory can vouch for. */
  #fromWhole(subject: Subject, remembered: Found | undefined): Found | undefined {
    if (this.#parts.whole.size === 0) return undefined;
    const whole = this.#parts.whole.get(subject);
    if (!whole || (remembered && whole.asOf < remembered.asOf)) return undefined;
    const ageMs = this.#freshness.ageMs(whole.asOf);
    if (this.#freshness.isStale(ageMs)) return undefined;
    return { ...whole, ageMs };
  }

  #fromNegatives(subject: Subject): Absent | undefined {
    const negative = this.#parts.negatives.get(subject);
    if (!negative) return undefined;
    const current = negative.generation === this.#freshness.generation;
    const asOf = Math.max(negative.asOf, current ? this.#freshness.resolved : negative.asOf);
    const dead = negative.untilMonoMs < this.#parts.clock.monoMs();
    if (dead || this.#freshness.isStale(this.#freshness.ageMs(asOf))) return undefined;
    return { outcome: 'absent', asOf };
  }

  /**
   * Behind a stale answer, within the source's budget, and only while nobody waits for it; a failure changes nothing.
   */
  #revalidate(subject: Subject): void {
    if (this.#parts.source.queued >= this.#options.sourceBatchMax) return;
    if (!this.#revalidating.take()) return;
    this.stats.revalidations += 1;
    this.#fly(subject).catch(() => {});
  }

  // --- 3. Single flight

  #fly(subject: Subject, notBeforeMonoMs = -Infinity): Promise<Answer> {
    const now = this.#parts.clock.monoMs();
    this.stats.flightsAsked += 1;
    return this.#parts.flights.do(
      subject,
      now,
      () => {
        this.stats.flightsStarted += 1;
        return this.#flight(subject, notBeforeMonoMs !== -Infinity);
      },
      notBeforeMonoMs,
    );
  }

  async #flight(subject: Subject, sourceOnly: boolean): Promise<Answer> {
    const reads: LayerRead[] = [];
    const late: Promise<Answer | undefined>[] = [];
    const flight: Flight = { isKnown: false, hasLanded: false };
    if (!sourceOnly) {
      // A second look: between the caller's miss and this flight, another flight for the subject may have ended and
      // kept what it found. Caller A misses; caller B misses, flies, keeps, lands; A starts a flight of its own: one
      // more read.
      const again = this.#fromMemory(this.#memory.find(subject));
      if (again && !again.stale) return settle(again);
      for (const layer of this.#parts.layers) {
        const { resolved } = this.#freshness;
        const asked = { layer, subject, resolved, beganMonoMs: this.#parts.clock.monoMs() };
        const read = await layer.get(subject);
        if (read && 'late' in read) {
          late.push(this.#fromLate(asked, read.late, flight));
          continue;
        }
        const answer = await this.#fromLayer(asked, read);
        if (answer) return answer;
        if (read) reads.push(read);
      }
    }
    const source = this.#fromSource(subject, reads, () => flight.isKnown);
    const answer = await this.#withGrace(subject, sourceOnly, firstAnswer(source, late, isWorth));
    flight.hasLanded = true;
    return answer;
  }

  // --- 4. Layers between memory and the source

  /** Nothing once the flight has landed: it may be older than what was answered then, and remembered. */
  async #fromLate(asked: LayerAsked, late: LayerLate['late'], flight: Flight) {
    const answer = await this.#fromLayer(asked, await late, () => flight.hasLanded);
    flight.isKnown ||= answer !== undefined && isWorth(answer);
    return answer;
  }

  /** What a layer's read is worth: an answer, or nothing. @param isOver whether it is too late for it */
  async #fromLayer(
    { layer, subject, resolved, beganMonoMs }: LayerAsked,
    read: LayerRead | undefined,
    isOver = () => false,
  ): Promise<Answer | undefined> {
    const freshness = this.#freshness;
    const hit = read?.hit;
    // A layer that was behind when asked has not all that this process knows; one of another source, nothing.
    if (!hit || hit.asOf < resolved || hit.epoch !== freshness.epoch || isOver()) return undefined;
    if (freshness.isBeforeForgotten(hit.asOf)) return undefined;
    const { version } = hit.person;
    if (!freshness.mayKeep(hit.xid, beganMonoMs)) {
      // Ahead of this process: its own floors may be older than this record, and the two were never true together.
      await freshness.nextBatch(this.#options.layerAheadMs);
      if (isOver() || !freshness.mayKeep(hit.xid, beganMonoMs)) return undefined;
    }
    if (freshness.isOvertaken(subject, version)) return undefined;
    if ('erased' in hit.person) {
      if (!freshness.mayBeAbsent(subject)) return undefined;
      // Of an ended generation, whose feed did not tell: it would be answered as old, again and again.
      this.#memory.drop(subject);
      this.#parts.whole.delete(subject);
      return { outcome: 'absent', asOf: resolved };
    }
    freshness.fence.note(subject, version);
    this.#parts.negatives.delete(subject);
    this.#memory.put(hit.person, freshness.generation);
    this.#parts.whole.delete(subject);
    const found = this.#fromMemory(this.#memory.find(subject));
    return found && settle(found, layer.name);
  }

  // --- 5. Source

  /**
   * @param reads of the layers that did not have it, and get it now
   * @param isOver whether a layer has answered meanwhile: a question that is not sent yet is taken back
   */
  async #fromSource(
    subject: Subject,
    reads: readonly LayerRead[],
    isOver: () => boolean,
  ): Promise<Answer> {
    let loaded = await this.#parts.source.load(subject, isOver);
    if (this.#isRefused(subject, loaded)) {
      // The read raced a change that is known here. One that begins now cannot: the source is the primary.
      this.stats.overtaken += 1;
      loaded = await this.#parts.source.load(subject, isOver);
    }
    if (!this.#freshness.isSinceFollowing(loaded.beganMonoMs)) return unavailable('source');
    const { row, asOf } = loaded;
    if (row === undefined) return this.#keepAbsent(subject, loaded);
    const { record, effective } = row;
    if (effective === undefined || this.#freshness.isOvertaken(subject, record.version)) {
      return unavailable('source');
    }
    const ageMs = this.#freshness.ageMs(asOf);
    const stale = this.#freshness.isStale(ageMs);
    const { photo, version } = record;
    const found: Found = {
      outcome: 'found',
      color: effective,
      photo,
      version,
      asOf,
      ageMs,
      stale,
      layer: 'source',
    };
    this.#keep(subject, loaded, found);
    if (!this.#isOther(loaded)) for (const read of reads) read.fill(record, row.xid, asOf);
    return found;
  }

  /**
   * A read that began before the feed's position was taken is refused too: it is not known what came before it and what
   * after, so it could neither be kept nor keep an older one from being answered again.
   */
  #isRefused(subject: Subject, { row, beganMonoMs }: LoadedOne): boolean {
    if (!this.#freshness.isSinceFollowing(beganMonoMs)) return true;
    if (row === undefined) return !this.#freshness.mayBeAbsent(subject);
    return this.#freshness.isOvertaken(subject, row.record.version);
  }

  /**
   * Of another source than the feed has told of: true by itself, but with floors, or with the layers, of the one before
   * it makes a person who never was.
   */
  #isOther({ epoch }: LoadedOne): boolean {
    return epoch !== undefined && epoch !== this.#freshness.epoch;
  }

  /** Into memory once the feed has passed it; until then it stands alone, with its own time. */
  #keep(subject: Subject, loaded: LoadedOne, found: Found): void {
    const { row, beganMonoMs } = loaded;
    if (!row) return;
    this.#freshness.fence.note(subject, row.record.version);
    this.#parts.negatives.delete(subject);
    if (!this.#isOther(loaded) && this.#freshness.mayKeep(row.xid, beganMonoMs)) {
      this.#memory.put(row.record, this.#freshness.generation);
      if (!this.#freshness.suspect) {
        // Memory may lose it for want of room: what was read before must not be answered then.
        this.#parts.whole.delete(subject);
        return;
      }
    } else {
      // What memory holds is older than what has just been answered: it must not be answered again.
      const slot = this.#memory.find(subject);
      if (slot >= 0 && this.#memory.versionAt(slot) < row.record.version)
        this.#memory.drop(subject);
    }
    this.#parts.whole.set(subject, found);
  }

  #keepAbsent(subject: Subject, loaded: LoadedOne): Absent {
    const { asOf, beganMonoMs } = loaded;
    const absent: Absent = { outcome: 'absent', asOf };
    if (this.#isOther(loaded) || !this.#freshness.mayKeepAbsent(beganMonoMs)) return absent;
    this.#memory.drop(subject);
    this.#parts.whole.delete(subject);
    if (this.#freshness.mayBeAbsent(subject)) {
      const untilMonoMs = this.#parts.clock.monoMs() + this.#options.negativeTtlMs;
      const { generation } = this.#freshness;
      this.#parts.negatives.set(subject, { asOf, generation, untilMonoMs });
    }
    return absent;
  }

  // --- 6. Grace

  /**
   * Slow or failed, and something within grace is remembered: that, marked stale. It is looked up when it is given:
   * what was held before the wait may have been overtaken, or erased, and has aged.
   */
  async #withGrace(subject: Subject, exact: boolean, reading: Promise<Answer>): Promise<Answer> {
    const kept = () => (exact ? undefined : this.#withinGrace(subject));
    try {
      const answer = kept()
        ? await settledWithin(reading, this.#options.sourceTimeoutSoftMs, undefined)
        : await reading;
      if (answer && answer.outcome !== 'unavailable') return answer;
      return kept() ?? (await reading);
    } catch {
      // Counted, and logged at the change of state, where the source is guarded. An error is not a value: nothing is
      // dropped.
      return kept() ?? unavailable('source');
    }
  }

  #withinGrace(subject: Subject): Found | undefined {
    const remembered = this.#fromMemory(this.#memory.find(subject));
    const whole = this.#parts.whole.get(subject);
    const best = whole && (!remembered || whole.asOf > remembered.asOf) ? whole : remembered;
    if (!best) return undefined;
    const ageMs = this.#freshness.ageMs(best.asOf);
    if (this.#freshness.isGone(ageMs)) return undefined;
    return { ...settle(best), ageMs, stale: this.#freshness.isStale(ageMs) };
  }

  // --- 7. Nothing to stand on

  /** The caller leaves at the deadline; the flight goes on for the others. */
  #byDeadline(answering: Promise<Answer>, deadlineMonoMs: number): Promise<Answer> {
    const leftMs = deadlineMonoMs - this.#parts.clock.monoMs();
    if (leftMs <= 0) return Promise.resolve(PAST_DEADLINE);
    return settledWithin(answering, leftMs, PAST_DEADLINE);
  }

  /** For a caller who knows what was written: memory if it is that far, else a read that begins now. */
  #findNoOlder(
    subject: Subject,
    deadlineMonoMs: number,
    minAsOf: SourceMs,
    mayWait: boolean,
  ): Answer | Promise<Answer> {
    const remembered = this.#fromMemory(this.#memory.find(subject));
    if (remembered && remembered.asOf >= minAsOf) return remembered;
    if (!mayWait) return { outcome: 'shed' };
    const reading = this.#fly(subject, this.#parts.clock.monoMs()).then((answer) => {
      const asOf = 'asOf' in answer ? answer.asOf : Infinity;
      return asOf >= minAsOf ? answer : unavailable('not-yet');
    });
    return this.#byDeadline(reading, deadlineMonoMs);
  }
}
