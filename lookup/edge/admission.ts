// Who is let in while there is more to do than time. Measured by how late our own timer is, and stays: a limit in
// milliseconds holds on any machine, and one pause is no crowd. Nor is a second in which no more ask than usual, and
// others take the processor. What costs most and matters least goes first: photos, then phones who need more than
// memory or whose token is new (its signature costs as much as all the rest), then gates who need more than memory;
// of each so large a share that the lateness stays where it is aimed at. And a turn of the loop lets in such phones
// for as long only as others may wait behind them. Whom memory answers, and who was here before, is never refused:
// the answer costs no more than a refusal.

import type { Clock } from '../clock.ts';
import { type Reading, reading } from '../metrics.ts';
import { Lateness, type Signs } from './lateness.ts';

export interface AdmissionOptions {
  /** Delay of the event loop that begins a crowd when it stands; in a crowd a third of it is aimed at. */
  readonly admissionDelayMs: number;
  /** After a pause as long as this, what lay in the sockets meanwhile is dropped unserved. */
  readonly admissionStallMs: number;
  readonly deadlineHttpMs: number;
  readonly deadlineGrpcMs: number;
  /** Waiting at once, at most, however fast they are answered. */
  readonly httpInFlightMax: number;
  readonly grpcInFlightMax: number;
}

const DOORS = ['photo', 'http', 'grpc'] as const;
export type Door = (typeof DOORS)[number];
export const CAUSES = ['delay', 'in-flight', 'stalled'] as const;
export type Cause = (typeof CAUSES)[number];

/** What a test plays. */
interface Loop {
  /** From 0 to 1, evenly. */
  readonly random: () => number;
  /** Of the time since it was asked last, in which the event loop did not wait for anything. */
  readonly busyShare: () => number;
  /** Processor time of this process, ever. */
  readonly ownMs: () => number;
  /** Called when all is done that had come when this turn of the event loop began. */
  readonly atTurnsEnd: (then: () => void) => void;
}

interface Waited {
  ms: number;
  count: number;
}

const TICK_MS = 20;
/** Of a new measurement, in what is told. */
const WEIGHT = 0.2;
/** In a tick's time, while it is twice as late as is aimed at, so much more of a class is shed. */
const GAIN = 0.1;
/** In a tick's time, while a loop that is busy is not late: slowly, or shedding would swing. */
const LEAVING = 0.02;
/** Lateness above the aim, in multiples of it, counts as no more than that: no tick sheds more than a class. */
const OVER_MOST = 2;
/** Of the time since the last tick: a loop that idled was kept from running by others, whom refusing does not help. */
const BUSY_LEAST = 0.8;
/** Of all requests: where fewer could be shed, it would help nobody. */
const SHEDDABLE_LEAST = 0.05;
/** Of all requests: where gates are fewer, it is not they who are too many, and not refusing them that helps. */
const GATES_LEAST = 0.1;
/** A request that waits is expected to be answered within this share of its deadline. */
const WAIT_SHARE = 0.5;
/** Of the delay that begins a crowd: what is aimed at while there is one. */
const CROWD_AIM = 1 / 3;
/** Of the delay that begins a crowd: a phone that asks later than this in a turn, in a crowd, is shed. */
const TURN_SHARE = 0.5;
/** A second without anybody shed, and the crowd is over. */
const CROWD_TICKS = 50;
/** So much longer for a tick in which only those were shed who came late in a turn: after each pause there are some. */
const CROWD_TICKS_MORE = 5;
/** Of what was counted until a tick: a tick of few requests says little of who they are. */
const REMEMBERED = 0.8;
/** What one tick counts for, however late it is. */
const TICKS_MOST = 5;
/** A pause of a minute must not take minutes to forget. */
const LATE_MOST_MS = 1_000;
const IN_FLIGHT_LEAST = 64;
const GROWTH = 1.1;
const SHRINKING = 0.7;
/** Requests in one turn of the loop above which more of a backlog is taken to lie behind them. */
const BACKLOG_TURN = 256;
/** And no more turns: those who ask again when they are refused would keep it up for ever. */
const BACKLOG_TURNS_MOST = 4;

/**
 * In this order. Of phones and gates one in ten is let in however late it is, of phones early in a turn of the loop:
 * who does nothing but refuse is of no use.
 */
const CLASS: Record<Door, { readonly from: number; readonly most: number }> = {
  photo: { from: 0, most: 1 },
  http: { from: 1, most: 0.9 },
  grpc: { from: 2, most: 0.9 },
};
const LEVEL_MOST = 3;

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
  readonly #atTurnsEnd: (then: () => void) => void;
  /** When the first phone asked in this turn of the loop, in a crowd. */
  #turnBeganMonoMs: number | undefined;
  /** For how long after the last who was shed it is taken to go on. */
  #crowdTicks = 0;
  #shedSinceTick = false;
  #timer: NodeJS.Timeout | undefined;
  #expectedMonoMs = 0;
  #delayMs = 0;
  #tickedMonoMs = 0;
  readonly #lateness: Lateness;
  #came = 0;
  #level = 0;
  #stalled = false;
  #seenThisTurn = 0;
  #limit: Record<'http' | 'grpc', number>;
  readonly #waited: Record<'http' | 'grpc', Waited> = {
    http: { ms: 0, count: 0 },
    grpc: { ms: 0, count: 0 },
  };
  /** Lately: what is older counts for less with every tick. */
  #seen = 0;
  #seenGates = 0;
  #sheddable = 0;

  /** It begins, or is over. */
  onCrowd: ((isCrowd: boolean, signs: Signs) => void) | undefined;

  constructor(options: AdmissionOptions, clock: Clock, loop: Partial<Loop> = {}) {
    this.#random = loop.random ?? Math.random;
    this.#busyShare = loop.busyShare ?? loopBusyShare();
    this.#atTurnsEnd = loop.atTurnsEnd ?? setImmediate;
    this.#lateness = new Lateness(loop.ownMs);
    this.#options = options;
    this.#clock = clock;
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
    this.#tickedMonoMs = this.#clock.monoMs();
    this.#expectedMonoMs = this.#tickedMonoMs + TICK_MS;
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** At this door, from 0 to 1: who is shed. */
  shareOf(door: Door): number {
    const { from, most } = CLASS[door];
    return Math.min(most, Math.max(0, this.#level - from));
  }

  /**
   * For who is about to ask.
   * @param inFlight who waits at this door now
   * @returns why not, for `count` if it comes to that: 'stalled' nobody, else who needs more than memory, and by
   * 'delay' a phone whose token is new; undefined: come in
   */
  refuse(door: Door, inFlight = 0): Cause | undefined {
    if (this.dropsBacklog()) return 'stalled';
    this.#seen += 1;
    this.#came += 1;
    if (door === 'photo') this.#sheddable += 1;
    else if (door === 'grpc') this.#seenGates += 1;
    if (this.#isCrowd && this.#sheds(door)) return 'delay';
    return door !== 'photo' && inFlight >= this.#limit[door] ? 'in-flight' : undefined;
  }

  /** For who is about to ask, before anything is looked at: whether it has waited for as long as a pause. */
  dropsBacklog(): boolean {
    if (this.#stalled) this.#seenThisTurn += 1;
    return this.#stalled;
  }

  get #isCrowd(): boolean {
    return this.#crowdTicks > 0;
  }

  /** Of phones, those who come late in a turn of the loop are shed whatever the share: others wait behind them. */
  #sheds(door: Door): boolean {
    if (door !== 'grpc' && this.#isTurnLong()) return true;
    return this.#random() < this.shareOf(door);
  }

  /** The first phone in a turn begins it. */
  #isTurnLong(): boolean {
    const now = this.#clock.monoMs();
    if (this.#turnBeganMonoMs === undefined) {
      this.#turnBeganMonoMs = now;
      this.#atTurnsEnd(() => {
        this.#turnBeganMonoMs = undefined;
      });
    }
    return now - this.#turnBeganMonoMs > this.#options.admissionDelayMs * TURN_SHARE;
  }

  /** How long somebody who needed more than memory waited for an answer, or until they had enough. */
  waited(door: 'http' | 'grpc', ms: number): void {
    this.#sheddable += 1;
    this.#waited[door].ms += ms;
    this.#waited[door].count += 1;
  }

  /** Every 20 ms, by the timer whose lateness is what is measured. */
  tick(): void {
    const now = this.#clock.monoMs();
    const lateMs = Math.max(0, now - this.#expectedMonoMs);
    const ticks = Math.min(TICKS_MOST, 1 + lateMs / TICK_MS);
    this.#expectedMonoMs = now + TICK_MS;
    this.#delayMs += (Math.min(lateMs, LATE_MOST_MS) - this.#delayMs) * WEIGHT;
    this.#lateness.tick(lateMs, now - this.#tickedMonoMs, this.#came, this.#isCrowd);
    this.#tickedMonoMs = now;
    this.#came = 0;
    this.#aim(this.#isCrowd ? this.#lateness.lastMs : this.#lateness.standingMs, ticks);
    if (lateMs > this.#options.admissionStallMs) this.#dropBacklog();
    this.#adjust();
  }

  /** More is shed the later it is, until it is as late as is aimed at; and less, slowly, when it is earlier. */
  #aim(lateMs: number, ticks: number): void {
    const isBusy = this.#busyShare() >= BUSY_LEAST;
    // What is left of who asked a while ago is less than one.
    const areSheddable = this.#sheddable >= Math.max(1, this.#seen * SHEDDABLE_LEAST);
    const isOfUse = isBusy && areSheddable;
    const aimMs = this.#options.admissionDelayMs * (this.#isCrowd ? CROWD_AIM : 1);
    const over = isOfUse ? lateMs / aimMs - 1 : -1;
    const gain = isOfUse && over < 0 ? LEAVING : GAIN;
    const next = this.#level + gain * ticks * Math.min(OVER_MOST, over);
    const areGates = this.#seenGates > this.#seen * GATES_LEAST;
    const most = areGates ? LEVEL_MOST : CLASS.grpc.from;
    this.#level = Math.min(most, Math.max(0, next));
    const wasCrowd = this.#isCrowd;
    const more = isOfUse && this.#shedSinceTick ? CROWD_TICKS_MORE : 0;
    const left = Math.min(CROWD_TICKS, Math.max(0, this.#crowdTicks + more - ticks));
    this.#crowdTicks = this.#level > 0 ? CROWD_TICKS : left;
    if (this.#isCrowd !== wasCrowd) this.onCrowd?.(this.#isCrowd, this.#lateness.signs);
    this.#shedSinceTick = false;
    this.#seen *= REMEMBERED;
    this.#seenGates *= REMEMBERED;
    this.#sheddable *= REMEMBERED;
  }

  /** What lay in the sockets has waited for as long: nobody waits for it any more. Ends with the backlog. */
  #dropBacklog(): void {
    if (this.#stalled) return;
    this.#stalled = true;
    let turns = 0;
    const after = () => {
      turns += 1;
      const more = this.#seenThisTurn >= BACKLOG_TURN && turns < BACKLOG_TURNS_MOST;
      this.#seenThisTurn = 0;
      if (more) this.#atTurnsEnd(after);
      else this.#stalled = false;
    };
    this.#seenThisTurn = 0;
    this.#atTurnsEnd(after);
  }

  /** As many may wait as are answered in time: fewer when waits grow long, again more when they are short. */
  #adjust(): void {
    const { deadlineHttpMs, deadlineGrpcMs, httpInFlightMax, grpcInFlightMax } = this.#options;
    this.#limit.http = this.#limitOf('http', deadlineHttpMs, httpInFlightMax);
    this.#limit.grpc = this.#limitOf('grpc', deadlineGrpcMs, grpcInFlightMax);
  }

  #limitOf(door: 'http' | 'grpc', deadlineMs: number, most: number): number {
    const waited = this.#waited[door];
    if (waited.count === 0) return this.#limit[door];
    const tooLong = waited.ms / waited.count > deadlineMs * WAIT_SHARE;
    waited.ms = 0;
    waited.count = 0;
    const next = this.#limit[door] * (tooLong ? SHRINKING : GROWTH);
    return Math.min(most, Math.max(Math.min(IN_FLIGHT_LEAST, most), next));
  }

  /** A phone whose token was new, or is bad, had an answer at once: it might have been refused, unread. */
  newcomer(): void {
    this.#sheddable += 1;
  }

  /** Somebody was refused. */
  count(door: Door, cause: Cause): void {
    this.shed[door][cause] += 1;
    if (cause === 'delay') this.#shedSinceTick = true;
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
      'What is shed: to 1 photos, 2 phones who wait or have a new token, 3 gates who wait',
      'gauge',
      () => admission.level,
    ),
    reading('lookup_http_in_flight_limit', 'Phones that may wait at once', 'gauge', () =>
      admission.limitOf('http'),
    ),
  ];
}
