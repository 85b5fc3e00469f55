// Calls to one node: how many at once, when to stop asking it, and forgiveness. A node's trouble is its own: each has
// a guard, and one that is dead turns no other off.

import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
} from 'cockatiel';
import type { Log } from '../log.ts';

export interface GuardedCallsOptions {
  readonly redisInFlightMax: number;
  readonly redisBreakerFailures: number;
  readonly redisBreakerHalfOpenAfterMs: number;
}

export interface GuardedCallsStats {
  calls: number;
  failures: number;
  /** not sent: too many at once, or the breaker is open */
  refused: number;
}

export class GuardedCalls {
  readonly stats: GuardedCallsStats = { calls: 0, failures: 0, refused: 0 };
  readonly #inFlightMax: number;
  readonly #breaker: CircuitBreakerPolicy;
  #inFlight = 0;

  constructor(name: string, options: GuardedCallsOptions, log: Log) {
    this.#inFlightMax = options.redisInFlightMax;
    this.#breaker = circuitBreaker(handleAll, {
      breaker: new ConsecutiveBreaker(options.redisBreakerFailures),
      halfOpenAfter: options.redisBreakerHalfOpenAfterMs,
    });
    this.#breaker.onStateChange((state) =>
      log.warn({ breaker: name, state: CircuitState[state] }, 'circuit breaker changed state'),
    );
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get state(): string {
    return CircuitState[this.#breaker.state] ?? '';
  }

  /** @returns undefined when it failed or was not sent: counted here, and an answer to nobody */
  async run<T>(call: () => Promise<T>): Promise<T | undefined> {
    if (this.#inFlight >= this.#inFlightMax) {
      this.stats.refused += 1;
      return undefined;
    }
    this.#inFlight += 1;
    this.stats.calls += 1;
    try {
      return await this.#breaker.execute(call);
    } catch (error) {
      if (error instanceof BrokenCircuitError) this.stats.refused += 1;
      else this.stats.failures += 1;
      return undefined;
    } finally {
      this.#inFlight -= 1;
    }
  }
}
