// The one place where the source's failures are bounded: budget, bulkhead, circuit breaker, timeout, and a queue that
// ends.

import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  noop,
} from 'cockatiel';
import type { Clock } from '../clock.ts';
import type { SourceMs, Subject } from '../health-code.ts';
import type { Log } from '../log.ts';
import type { Source, SourceRow } from '../source/source.ts';
import { Budget } from './budget.ts';
import { abortedAfter } from './timeout.ts';

export interface GuardedSourceOptions {
  readonly sourceTimeoutHardMs: number;
  readonly sourceQueriesPerS: number;
  readonly sourceInFlightMax: number;
  readonly sourceBatchMax: number;
  readonly sourceQueueMax: number;
  readonly sourceBreakerFailures: number;
  readonly sourceBreakerHalfOpenAfterMs: number;
}

/** What one person's part of a batch brought. */
export interface LoadedOne {
  readonly asOf: SourceMs;
  /** As {@link Loaded.epoch}. */
  readonly epoch: string | undefined;
  /** This process's monotonic clock before the statement was sent. */
  readonly beganMonoMs: number;
  /** undefined: there is no such person */
  readonly row: SourceRow | undefined;
}

/** The source was not asked, or did not answer in time. Says nothing about the person. */
export class SourceRefusedError extends Error {
  override readonly name = 'SourceRefusedError';
  readonly why: 'queue-full' | 'timeout' | 'breaker-open' | 'taken-back';

  constructor(why: SourceRefusedError['why']) {
    super(`the source was not heard: ${why}`);
    this.why = why;
  }
}

export interface GuardedSourceStats {
  queries: number;
  subjects: number;
  failures: number;
  queueFull: number;
  timeouts: number;
  breakerRefusals: number;
  /** whoever asked was answered from elsewhere before the question was sent */
  takenBack: number;
}

/** How often the queue is looked through while all places are taken. */
const EXPIRE_EVERY_MS = 10;

interface Waiting {
  readonly subject: Subject;
  readonly untilMonoMs: number;
  readonly isOver: () => boolean;
  readonly resolve: (loaded: LoadedOne) => void;
  readonly reject: (error: Error) => void;
}

/** Subjects that ask at the same time share a query; the queue forms the batches while all places are taken. */
export class GuardedSource {
  readonly stats: GuardedSourceStats = {
    queries: 0,
    subjects: 0,
    failures: 0,
    queueFull: 0,
    timeouts: 0,
    breakerRefusals: 0,
    takenBack: 0,
  };
  readonly #source: Source;
  readonly #options: GuardedSourceOptions;
  readonly #clock: Clock;
  readonly #budget: Budget;
  readonly #breaker;
  #queue: Waiting[] = [];
  #inFlight = 0;
  #soon: NodeJS.Immediate | undefined;
  /** Set while the queue waits for the budget or for a place. */
  #later: NodeJS.Timeout | undefined;

  constructor(source: Source, options: GuardedSourceOptions, clock: Clock, log: Log) {
    this.#source = source;
    this.#options = options;
    this.#clock = clock;
    this.#budget = new Budget(options.sourceQueriesPerS, clock);
    this.#breaker =
      options.sourceBreakerFailures === Infinity
        ? noop
        : circuitBreaker(handleAll, {
            breaker: new ConsecutiveBreaker(options.sourceBreakerFailures),
            halfOpenAfter: options.sourceBreakerHalfOpenAfterMs,
          });
    if ('onStateChange' in this.#breaker) {
      this.#breaker.onStateChange((state) =>
        log.warn(
          { breaker: 'source', state: CircuitState[state] },
          'circuit breaker changed state',
        ),
      );
    }
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get breakerState(): string {
    return 'state' in this.#breaker ? (CircuitState[this.#breaker.state] ?? '') : 'Closed';
  }

  /**
   * Reads one person, together with others who are asked for now.
   * @param isOver whether it is not needed any more; asked before the question is sent
   * @throws when the source does not know: its own error, or SourceRefusedError
   */
  load(subject: Subject, isOver = () => false): Promise<LoadedOne> {
    if (this.#queue.length >= this.#options.sourceQueueMax) {
      this.stats.queueFull += 1;
      return Promise.reject(new SourceRefusedError('queue-full'));
    }
    return new Promise((resolve, reject) => {
      const untilMonoMs = this.#clock.monoMs() + this.#options.sourceTimeoutHardMs;
      this.#queue.push({ subject, untilMonoMs, isOver, resolve, reject });
      // Those who ask in this turn of the loop share a query.
      if (this.#later === undefined) this.#dispatchSoon();
    });
  }

  #dispatchSoon(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#soon ??= setImmediate(() => this.#dispatch());
  }

  #dispatch(): void {
    this.#soon = undefined;
    this.#later = undefined;
    this.#expire();
    while (this.#queue.length > 0 && this.#inFlight < this.#options.sourceInFlightMax) {
      if (!this.#budget.take()) {
        this.#later = setTimeout(() => this.#dispatch(), this.#budget.waitMs());
        return;
      }
      void this.#run(this.#queue.splice(0, this.#options.sourceBatchMax));
    }
    if (this.#queue.length > 0) this.#later = setTimeout(() => this.#dispatch(), EXPIRE_EVERY_MS);
  }

  /** Who has waited too long, or waits no more, leaves the queue unasked. */
  #expire(): void {
    const now = this.#clock.monoMs();
    this.#queue = this.#queue.filter((one) => {
      if (one.isOver()) {
        this.stats.takenBack += 1;
        one.reject(new SourceRefusedError('taken-back'));
        return false;
      }
      if (one.untilMonoMs > now) return true;
      this.stats.timeouts += 1;
      one.reject(new SourceRefusedError('timeout'));
      return false;
    });
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    this.#inFlight += 1;
    const beganMonoMs = this.#clock.monoMs();
    try {
      const loaded = await this.#breaker.execute(() => this.#query(batch));
      const { asOf, epoch, rows } = loaded;
      for (const one of batch)
        one.resolve({ asOf, epoch, beganMonoMs, row: rows.get(one.subject) });
    } catch (error) {
      const refused = error instanceof BrokenCircuitError;
      if (refused) this.stats.breakerRefusals += batch.length;
      else this.stats.failures += 1;
      const reason = refused ? new SourceRefusedError('breaker-open') : (error as Error);
      for (const one of batch) one.reject(reason);
    } finally {
      this.#inFlight -= 1;
      if (this.#queue.length > 0) this.#dispatchSoon();
    }
  }

  #query(batch: readonly Waiting[]) {
    this.stats.queries += 1;
    this.stats.subjects += batch.length;
    const subjects = batch.map((one) => one.subject);
    return abortedAfter(this.#options.sourceTimeoutHardMs, (signal) =>
      this.#source.load(subjects, signal),
    );
  }
}
