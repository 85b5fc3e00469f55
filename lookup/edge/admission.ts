// Who is let in while there is more to do than time. Measured by how late our own timer is, and stays: a limit in
// milliseconds holds on any machine, and one pause is no crowd. What costs most and matters least goes first: photos,
// then phones who need more than memory, then phones whose token is new (its signature costs as much as all the rest),
// then gates who need more than memory; of each so large a share that the lateness stays where it is aimed at. Whom
// memory answers, and who was here before, is never refused: the answer costs no more than a refusal.

import type { Clock } from '../clock.ts';
import { type Reading, reading } from '../metrics.ts';

export interface AdmissionOptions {
  /** Delay of the event loop that is aimed at: what stands above it is shed. */
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
export type Class = Door | 'new-token';
export const CAUSES = ['delay', 'in-flight', 'stalled'] as const;
export type Cause = (typeof CAUSES)[number];

const TICK_MS = 20;
/** Of a new measurement, in what is told. */
const WEIGHT = 0.2;
/** Of so many ticks all but one must be late: a collection, or a neighbor, makes one or two. */
const STANDING_TICKS = 5;
/** With a tick that is twice as late as is aimed at, so much more of a class is shed; with one in time so much less. */
const GAIN = 0.1;
/** Lateness above the aim, in multiples of it, counts as no more than that: one long pause must not shed a class. */
const OVER_MOST = 2;
/** Of the time since the last tick: a loop that idled was kept from running by others, whom refusing does not help. */
const BUSY_LEAST = 0.8;
/** Of all requests: where fewer could be shed, it would help nobody. */
const SHEDDABLE_LEAST = 0.05;
/** A request that waits is expected to be answered within this share of its deadline. */
const WAIT_SHARE = 0.5;
/** A pause of a minute must not take minutes to forget. */
const LATE_MOST_MS = 1_000;
const IN_FLIGHT_LEAST = 64;
const GROWTH = 1.1;
const SHRINKING = 0.7;
/** Requests in one turn of the loop above which more of a backlog is taken to lie behind them. */
const BACKLOG_TURN = 256;

/** In this order. Of phones and gates one in ten is let in whatever comes: who does nothing but refuse is of no use. */
const CLASS: Record<Class, { readonly from: number; readonly most: number }> = {
  photo: { from: 0, most: 1 },
  http: { from: 1, most: 0.9 },
  'new-token': { from: 2, most: 0.9 },
  grpc: { from: 3, most: 0.9 },
};
const LEVEL_MOST = 4;

export class Admission {
  readonly shed: Record<Door, Record<Cause, number>> = {
    photo: { delay: 0, 'in-flight': 0, stalled: 0 },
    http: { delay: 0, 'in-flight': 0, stalled: 0 },
    grpc: { delay: 0, 'in-flight': 0, stalled: 0 },
  };
  readonly #options: AdmissionOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #busyShare: () => number;
  #timer: NodeJS.Timeout | undefined;
  #expectedMonoMs = 0;
  #delayMs = 0;
  /** How late the last ticks were, in no order. */
  readonly #lateMs = new Array<number>(STANDING_TICKS).fill(0);
  #ticks = 0;
  #level = 0;
  #stalled = false;
  #seenThisTurn = 0;
  #limit: Record<'http' | 'grpc', number>;
  #waitedMs = 0;
  #waited = 0;
  /** Since the last tick. */
  #seen = 0;
  #sheddable = 0;

  /** @param busyShare of the time since it was asked last, in which the event loop did not wait for anything */
  constructor(
    options: AdmissionOptions,
    clock: Clock,
    random = Math.random,
    busyShare = loopBusyShare(),
  ) {
    this.#busyShare = busyShare;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#limit = { http: options.httpInFlightMax, grpc: options.grpcInFlightMax };
  }

  /** How late the event loop is, lately, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Classes that are shed, one after the other; the last of them in part. */
  get level(): number {
    return this.#level;
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

  /** Of this class, from 0 to 1: who is shed. */
  shareOf(one: Class): number {
    const { from, most } = CLASS[one];
    return Math.min(most, Math.max(0, this.#level - from));
  }

  /**
   * For who is about to ask.
   * @param inFlight who waits at this door now
   * @returns why not, for `count` if it comes to that: 'stalled' nobody, else who needs more than memory; undefined:
   * come in
   */
  refuse(door: Door, inFlight = 0): Cause | undefined {
    if (this.#stalled) {
      this.#seenThisTurn += 1;
      return 'stalled';
    }
    this.#seen += 1;
    if (door === 'photo') this.#sheddable += 1;
    if (this.#level > 0 && this.#random() < this.shareOf(door)) return 'delay';
    return door !== 'photo' && inFlight >= this.#limit[door] ? 'in-flight' : undefined;
  }

  /** @returns whether a phone whose token was not seen before is refused unread */
  refusesNewToken(): boolean {
    return this.#level > CLASS['new-token'].from && this.#random() < this.shareOf('new-token');
  }

  /** How long somebody who needed more than memory waited for an answer. */
  waited(ms: number): void {
    this.#sheddable += 1;
    this.#waitedMs += ms;
    this.#waited += 1;
  }

  /** Every 20 ms, by the timer whose lateness is what is measured. */
  tick(): void {
    const now = this.#clock.monoMs();
    const lateMs = Math.max(0, now - this.#expectedMonoMs);
    this.#expectedMonoMs = now + TICK_MS;
    this.#delayMs += (Math.min(lateMs, LATE_MOST_MS) - this.#delayMs) * WEIGHT;
    this.#lateMs[this.#ticks++ % STANDING_TICKS] = lateMs;
    const [, standingMs] = [...this.#lateMs].sort((a, b) => a - b);
    this.#aim(standingMs as number);
    if (lateMs > this.#options.admissionStallMs) this.#dropBacklog();
    this.#adjust();
  }

  /** More is shed the later it stands, until it is as late as is aimed at; and less when it is earlier. */
  #aim(standingMs: number): void {
    const isBusy = this.#busyShare() >= BUSY_LEAST;
    const isOfUse = isBusy && this.#sheddable >= this.#seen * SHEDDABLE_LEAST;
    const over = isOfUse ? standingMs / this.#options.admissionDelayMs - 1 : -1;
    const next = this.#level + GAIN * Math.min(OVER_MOST, over);
    this.#level = Math.min(LEVEL_MOST, Math.max(0, next));
    this.#seen = 0;
    this.#sheddable = 0;
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

  /** Somebody was refused. */
  count(door: Door, cause: Cause): void {
    this.shed[door][cause] += 1;
    if (door !== 'photo') this.#sheddable += 1;
  }
}

/** By libuv's own count of the time that it waits for events. */
function loopBusyShare(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
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
    reading(
      'lookup_admission_level',
      'What is shed: to 1 photos, 2 phones who wait, 3 phones with a new token, 4 gates who wait',
      'gauge',
      () => admission.level,
    ),
    reading('lookup_http_in_flight_limit', 'Phones that may wait at once', 'gauge', () =>
      admission.limitOf('http'),
    ),
  ];
}
