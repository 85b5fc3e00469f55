// How late the event loop is, and stays. One pause is late once or twice, at whatever length; a crowd at every turn of
// the loop. And where no more ask than usual and others have the processor, they may soon be done: refusing would only
// tell some people no who are answered a moment later. So it must stand for longer there.

/** Of so many ticks all but one must be late before it stands: a collection, or a neighbor, makes one or two. */
const STANDING_TICKS = 5;
/** The same while others hold it up. */
const HELD_UP_TICKS = 25;
/** Of the time: who has less of a processor does not fill it by itself. */
const OWN_LEAST = 0.5;
/** Times the usual. */
const MORE_THAN_USUAL = 2;
/** Over as long it is found what is usual. */
const USUAL_MS = 10_000;

interface Tick {
  readonly lateMs: number;
  /** Since the one before. */
  readonly passedMs: number;
  /** Of it, processor time of this process. */
  readonly ownMs: number;
  readonly came: number;
}
const NONE: Tick = { lateMs: 0, passedMs: 0, ownMs: 0, came: 0 };

/** What an operator wants to know of a crowd, as it is logged. */
export interface Signs {
  /** The newest first. */
  readonly late_ms: readonly number[];
  /** Of a processor, that this process had. */
  readonly own_share: number;
  readonly asked_per_s: number;
  readonly usual_per_s: number;
}

export class Lateness {
  readonly #ownMs: () => number;
  /** The newest first. */
  readonly #last = new Array<Tick>(HELD_UP_TICKS).fill(NONE);
  #ownBeforeMs: number;
  /** Who asks in a millisecond while there is no crowd. */
  #usual = 0;

  /** @param ownMs processor time of this process, ever */
  constructor(ownMs: () => number = processMs) {
    this.#ownMs = ownMs;
    this.#ownBeforeMs = ownMs();
  }

  /**
   * Each time that the timer fires.
   * @param lateMs after it should have
   * @param passedMs since the time before
   * @param came who asked meanwhile
   * @param isCrowd whether too many ask: then it says nothing of what is usual
   */
  tick(lateMs: number, passedMs: number, came: number, isCrowd: boolean): void {
    const nowMs = this.#ownMs();
    this.#last.unshift({ lateMs, passedMs, ownMs: nowMs - this.#ownBeforeMs, came });
    this.#ownBeforeMs = nowMs;
    this.#last.pop();
    if (isCrowd || passedMs <= 0) return;
    this.#usual += (came / passedMs - this.#usual) * Math.min(1, passedMs / USUAL_MS);
  }

  /** How late it stays, in milliseconds. */
  get standingMs(): number {
    const ticks = this.#isHeldUp() ? HELD_UP_TICKS : STANDING_TICKS;
    const late = this.#last.slice(0, ticks).map(({ lateMs }) => lateMs);
    return late.sort((a, b) => a - b)[1] as number;
  }

  /** In a crowd: two ticks are enough to know how it is. */
  get lastMs(): number {
    return Math.min(...this.#last.slice(0, 2).map(({ lateMs }) => lateMs));
  }

  /** Of the last few ticks. */
  get signs(): Signs {
    const total = this.#lastFew();
    const perS = (came: number) => Math.round(came * 1_000);
    return {
      late_ms: this.#last.slice(0, STANDING_TICKS).map(({ lateMs }) => Math.round(lateMs)),
      own_share: Number((total.ownMs / total.passedMs).toFixed(2)),
      asked_per_s: perS(total.came / total.passedMs),
      usual_per_s: perS(this.#usual),
    };
  }

  #isHeldUp(): boolean {
    const total = this.#lastFew();
    const isMore = total.came > MORE_THAN_USUAL * this.#usual * total.passedMs;
    return !isMore && total.ownMs < OWN_LEAST * total.passedMs;
  }

  #lastFew(): Omit<Tick, 'lateMs'> {
    const total = { passedMs: 0, ownMs: 0, came: 0 };
    for (const tick of this.#last.slice(0, STANDING_TICKS)) {
      total.passedMs += tick.passedMs;
      total.ownMs += tick.ownMs;
      total.came += tick.came;
    }
    return total;
  }
}

function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
