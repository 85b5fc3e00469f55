// Who is let in while there is more to do than time. Measured by how late our own timer is, and by how long those who
// wait have waited: limits in milliseconds hold on any machine. What costs most and matters least goes first: photos,
// then phones who need more than memory, then gates who do, then phones, and gates whom memory answers never. So a
// refusal is always cheaper than what it refuses.

import type { Clock } from '../clock.ts';
import { type Reading, reading } from '../metrics.ts';

export interface AdmissionOptions {
  /** Delay of the event loop at which photos are shed; phones and gates at multiples of it. */
  readonly admissionDelayMs: number;
  /** After a pause as long as this, what lay in the sockets meanwhile is dropped unserved. */
  readonly admissionStallMs: number;
  readonly deadlineHttpMs: number;
  /** Waiting at once, at most, however fast they are answered. */
  readonly httpInFlightMax: number;
  readonly grpcInFlightMax: number;
}

const DOORS = ['photo', 'http', 'grpc'] as const;
export type Door = (typeof DOORS)[number];
export const CAUSES = ['delay', 'in-flight', 'stalled'] as const;
export type Cause = (typeof CAUSES)[number];

const TICK_MS = 20;
/** Of a new measurement: one pause of 100 ms (a collection, a neighbor) is no overload, ten in a row are. */
const WEIGHT = 0.2;
/** A request that waits is expected to be answered within this share of its deadline. */
const WAIT_SHARE = 0.5;
/** A pause of a minute must not take minutes to forget. */
const LATE_MOST_MS = 1_000;
const IN_FLIGHT_LEAST = 64;
const GROWTH = 1.1;
const SHRINKING = 0.7;
/** Requests in one turn of the loop above which more of a backlog is taken to lie behind them. */
const BACKLOG_TURN = 256;

/** Multiples of admissionDelayMs, for what needs more than memory, and for what memory answers at once. */
const PATIENCE: Record<Door, { readonly waits: number; readonly atOnce: number }> = {
  photo: { waits: 1, atOnce: 1 },
  http: { waits: 2, atOnce: 6 },
  grpc: { waits: 4, atOnce: Number.POSITIVE_INFINITY },
};

export class Admission {
  readonly shed: Record<Door, Record<Cause, number>> = {
    photo: { delay: 0, 'in-flight': 0, stalled: 0 },
    http: { delay: 0, 'in-flight': 0, stalled: 0 },
    grpc: { delay: 0, 'in-flight': 0, stalled: 0 },
  };
  readonly #options: AdmissionOptions;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;
  #expectedMonoMs = 0;
  #delayMs = 0;
  #stalled = false;
  #seenThisTurn = 0;
  #limit: Record<'http' | 'grpc', number>;
  #waitedMs = 0;
  #waited = 0;

  constructor(options: AdmissionOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#limit = { http: options.httpInFlightMax, grpc: options.grpcInFlightMax };
  }

  /** How late the event loop is, lately, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** How many may wait at once now. */
  limitOf(door: 'http' | 'grpc'): number {
    return this.#limit[door];
  }

  start(): void {
    this.#expectedMonoMs = this.#clock.monoMs() + TICK_MS;
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** For who is about to ask. @returns why not, counted; undefined: come in */
  refuse(door: Door): Cause | undefined {
    // Nothing is late nearly always: one comparison then.
    if (this.#delayMs < this.#options.admissionDelayMs && !this.#stalled) return undefined;
    this.#seenThisTurn += 1;
    if (this.#stalled) return this.count(door, 'stalled');
    if (this.#delayMs < PATIENCE[door].atOnce * this.#options.admissionDelayMs) return undefined;
    return this.count(door, 'delay');
  }

  /**
   * For who would have to wait, if memory does not answer.
   * @param inFlight who waits at this door now
   * @returns why not: to be counted (`count`) if it comes to that; undefined: they may
   */
  refuseWait(door: 'http' | 'grpc', inFlight: number): Cause | undefined {
    if (this.#delayMs >= PATIENCE[door].waits * this.#options.admissionDelayMs) return 'delay';
    return inFlight >= this.#limit[door] ? 'in-flight' : undefined;
  }

  /** How long somebody waited for an answer. */
  waited(ms: number): void {
    this.#waitedMs += ms;
    this.#waited += 1;
  }

  /** Every 20 ms, by the timer whose lateness is what is measured. */
  tick(): void {
    const now = this.#clock.monoMs();
    const lateMs = Math.max(0, now - this.#expectedMonoMs);
    this.#expectedMonoMs = now + TICK_MS;
    this.#delayMs += (Math.min(lateMs, LATE_MOST_MS) - this.#delayMs) * WEIGHT;
    if (lateMs > this.#options.admissionStallMs) this.#dropBacklog();
    this.#adjust();
  }

  /** What lay in the sockets has waited for as long: nobody waits for it any more. Ends with the backlog. */
  #dropBacklog(): void {
    if (this.#stalled) return;
    this.#stalled = true;
    const after = () => {
      const more = this.#seenThisTurn >= BACKLOG_TURN;
      this.#seenThisTurn = 0;
      if (more) setImmediate(after);
      else this.#stalled = false;
    };
    this.#seenThisTurn = 0;
    setImmediate(after);
  }

  /** As many may wait as are answered in time: fewer when waits grow long, again more when they are short. */
  #adjust(): void {
    if (this.#waited === 0) return;
    const tooLong = this.#waitedMs / this.#waited > this.#options.deadlineHttpMs * WAIT_SHARE;
    for (const door of ['http', 'grpc'] as const) {
      const most = this.#options[`${door}InFlightMax`];
      const next = this.#limit[door] * (tooLong ? SHRINKING : GROWTH);
      this.#limit[door] = Math.min(most, Math.max(Math.min(IN_FLIGHT_LEAST, most), next));
    }
    this.#waited = 0;
    this.#waitedMs = 0;
  }

  count(door: Door, cause: Cause): Cause {
    this.shed[door][cause] += 1;
    return cause;
  }
}

/** What it did, for /metrics. */
export function admissionReadings(admission: Admission): Reading[] {
  const refusals = DOORS.flatMap((door) =>
    CAUSES.map((cause) =>
      reading(
        `lookup_admission_${door}_${cause.replace('-', '_')}_total`,
        `Refused at the door of ${door}: ${cause}`,
        'counter',
        () => admission.shed[door][cause],
      ),
    ),
  );
  return [
    ...refusals,
    reading(
      'lookup_event_loop_delay_seconds',
      'How late the event loop is, lately',
      'gauge',
      () => admission.delayMs / 1_000,
    ),
    reading('lookup_http_in_flight_limit', 'Phones that may wait at once', 'gauge', () =>
      admission.limitOf('http'),
    ),
  ];
}
