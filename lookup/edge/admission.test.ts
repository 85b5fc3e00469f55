import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { Admission } from './admission.ts';

const OPTIONS = {
  admissionDelayMs: 25,
  admissionStallMs: 500,
  deadlineHttpMs: 300,
  deadlineGrpcMs: 200,
  httpInFlightMax: 1_000,
  grpcInFlightMax: 2_000,
};

/** Ticks, each late by so much, of a loop that was busy for this share of the time; in each a caller waited. */
function late(ms: number, ticks = 50, busyShare = 1, door: 'http' | 'grpc' = 'grpc') {
  const clock = new ManualClock();
  const loop = { busyShare, ownShare: 1, ownMs: 0 };
  const admission = new Admission(OPTIONS, clock, {
    random: seeded(),
    busyShare: () => loop.busyShare,
    ownMs: () => loop.ownMs,
  });
  admission.start();
  admission.stop();
  const tick = (lateMs: number) => {
    admission.refuse(door);
    admission.waited('http', 1);
    clock.advance(20 + lateMs);
    loop.ownMs += (20 + lateMs) * loop.ownShare;
    admission.tick();
  };
  for (let i = 0; i < ticks; i++) tick(ms);
  return { clock, admission, tick, loop };
}

/** The same each time, from 0 to 1 (mulberry32). */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const DOORS = ['photo', 'http', 'grpc'] as const;

describe('admission', () => {
  it.each([0, 20])('lets everybody in while it is %i ms late, where 25 are aimed at', (ms) => {
    const { admission } = late(ms);
    for (const door of DOORS) expect(admission.refuse(door)).toBeUndefined();
  });

  it('sheds photos, phones, gates; and one in ten of them never', () => {
    const { admission, tick } = late(0);
    const seen: number[][] = [];
    for (let i = 0; i < 100; i++) {
      tick(i < 5 ? 30 : 12);
      seen.push(DOORS.map((one) => admission.shareOf(one)));
    }
    // Whoever is shed at all, those before are shed whole, or as far as ever.
    const most = [1, 0.9, 0.9];
    for (const shares of seen)
      for (let i = 1; i < most.length; i++)
        if ((shares[i] as number) > 0) expect(shares[i - 1]).toBe(most[i - 1]);
    for (let i = 1; i < most.length; i++)
      expect(seen.some((one) => (one[i - 1] as number) > 0.5 && one[i] === 0)).toBe(true);
    expect(seen.at(-1)).toEqual(most);
    let refused = 0;
    for (let i = 0; i < 10_000; i++) if (admission.refuse('http') === 'delay') refused += 1;
    expect(refused / 10_000).toBeCloseTo(0.9, 1);
  });

  it('lets everybody in again within a second when it has nothing to do, slowly while it is busy', () => {
    const [idle, busy] = [late(400), late(400)];
    idle.loop.busyShare = 0.5;
    for (const { admission, tick } of [idle, busy]) {
      expect(admission.shareOf('grpc')).toBe(0.9);
      for (let i = 0; i < 50; i++) tick(0);
    }
    for (const one of DOORS) expect(idle.admission.shareOf(one)).toBe(0);
    expect(busy.admission.shareOf('grpc')).toBe(0);
    expect(busy.admission.shareOf('http')).toBe(0.9);
    for (let i = 0; i < 200; i++) busy.tick(0);
    for (const one of DOORS) expect(busy.admission.shareOf(one)).toBe(0);
  });

  it('sheds no gates where phones are the crowd', () => {
    const { admission } = late(100, 50, 1, 'http');
    expect(DOORS.map((one) => admission.shareOf(one))).toEqual([1, 0.9, 0]);
    // Nor where they were a part of it first.
    const { clock, admission: mixed, tick } = late(100);
    expect(mixed.shareOf('grpc')).toBe(0.9);
    for (let i = 0; i < 5; i++) {
      for (let n = 0; n < 100; n++) mixed.refuse('http');
      for (let n = 0; n < 100; n++) mixed.count('http', 'delay');
      clock.advance(100);
      tick(0);
    }
    expect(DOORS.map((one) => mixed.shareOf(one))).toEqual([1, 0.9, 0]);
  });

  it('sheds nobody while nobody asks, whatever else keeps the loop busy', () => {
    const clock = new ManualClock();
    const admission = new Admission(OPTIONS, clock, {
      busyShare: () => 1,
      ownMs: () => clock.monoMs(),
    });
    admission.start();
    admission.stop();
    for (let i = 0; i < 50; i++) {
      clock.advance(120);
      admission.tick();
    }
    expect(admission.level).toBe(0);
    // Nor when those who asked have gone.
    const { clock: later, admission: left } = late(100);
    expect(left.level).toBeGreaterThan(0);
    for (let i = 0; i < 50; i++) {
      later.advance(120);
      left.tick();
    }
    expect(left.level).toBe(0);
  });

  it('finds its share as soon when turns of the loop are long, and ticks few', () => {
    expect(late(100, 3).admission.level).toBe(0);
    expect(late(100, 6).admission.shareOf('http')).toBe(0.9);
  });

  it('takes pauses for no crowd: a crowd is late at every tick', () => {
    const { admission, tick } = late(0);
    for (let i = 0; i < 100; i++) {
      tick(400);
      for (let on = 0; on < 4; on++) tick(0);
      expect(admission.level).toBe(0);
    }
    tick(60_000);
    expect(admission.level).toBe(0);
    // Nor does a pause among the last of a crowd.
    const { admission: ending, tick: endingTick } = late(100, 6);
    for (let i = 0; i < 150; i++) endingTick(0);
    expect(ending.level).toBe(0);
    endingTick(400);
    expect(ending.level).toBe(0);
    endingTick(0);
    expect(ending.level).toBe(0);
    for (let i = 0; i < 4; i++) tick(60);
    expect(admission.level).toBeGreaterThan(0);
  });

  it('sheds nobody for a second in which others have the processor, and no more ask than usual', () => {
    const { admission, tick, loop } = late(0, 1_000);
    const told: boolean[] = [];
    admission.onCrowd = (isCrowd) => told.push(isCrowd);
    loop.ownShare = 0.2;
    for (let i = 0; i < 20; i++) tick(30);
    expect(admission.level).toBe(0);
    expect(told).toEqual([]);
    for (let i = 0; i < 20; i++) tick(30);
    expect(admission.level).toBeGreaterThan(0);
    expect(told).toEqual([true]);
    loop.busyShare = 0.5;
    for (let i = 0; i < 200; i++) tick(0);
    expect(told).toEqual([true, false]);
  });

  it('sheds nobody while it was not busy itself: others took the processor', () => {
    const { admission } = late(100, 50, 0.5);
    expect(admission.delayMs).toBeGreaterThan(80);
    expect(admission.level).toBe(0);
    expect(late(100, 50, 0.9).admission.shareOf('grpc')).toBe(0.9);
  });

  it('knows by itself whether it is busy', async () => {
    const clock = new ManualClock();
    const busy = new Admission(OPTIONS, clock, { ownMs: () => clock.monoMs() });
    busy.start();
    busy.stop();
    for (let i = 0; i < 10; i++) {
      const until = performance.now() + 5;
      while (performance.now() < until);
      clock.advance(100);
      busy.waited('http', 1);
      busy.tick();
    }
    expect(busy.level).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      clock.advance(100);
      busy.waited('http', 1);
      busy.tick();
    }
    expect(busy.level).toBe(0);
  });

  it('sheds nobody where nearly all are answered by memory: it would help nobody', () => {
    const { admission, tick } = late(0);
    const crowd = (waiting: number) => {
      for (let i = 0; i < 100; i++) {
        admission.refuse('http');
        if (i < waiting) admission.waited('http', 5);
      }
      tick(100);
    };
    for (let i = 0; i < 50; i++) crowd(1);
    expect(admission.level).toBe(0);
    for (let i = 0; i < 50; i++) crowd(20);
    expect(admission.shareOf('http')).toBe(0.9);
    for (let i = 0; i < 50; i++) crowd(1);
    expect(admission.level).toBe(0);
  });

  it('sheds phones whose tokens are new, though memory answers them: a signature costs as much', () => {
    const { admission, tick } = late(0);
    for (let i = 0; i < 50; i++) {
      for (let n = 0; n < 100; n++) admission.refuse('http');
      for (let n = 0; n < 50; n++) admission.newcomer();
      tick(100);
    }
    expect(admission.shareOf('http')).toBe(0.9);
  });

  describe('with callers who ask again when they are answered', () => {
    // A fifth of a core; an answer takes 60 us of it when it is asked and 60 when Redis has answered, a refusal 25.
    const [CORES, ASKING_MS, ANSWERING_MS, REFUSAL_MS] = [0.2, 0.06, 0.06, 0.025];
    const SECONDS = 20;

    /** Each second: how long the slowest refusal in a hundred took, how many were answered, and if gates were shed. */
    function crowd(callers: number) {
      const clock = new ManualClock();
      const ends: (() => void)[] = [];
      const options = { ...OPTIONS, admissionDelayMs: 15 };
      const admission = new Admission(options, clock, {
        random: seeded(),
        busyShare: () => 1,
        ownMs: () => clock.monoMs(),
        atTurnsEnd: (end) => ends.push(end),
      });
      admission.start();
      admission.stop();
      const began = clock.monoMs();
      const seconds = Array.from({ length: SECONDS }, () => ({
        ...{ refusals: [0], answered: 0, gates: 0 },
      }));
      const here = () => seconds[Math.floor((clock.monoMs() - began) / 1_000)];
      let askedMonoMs = new Array<number>(callers).fill(began);
      let letIn: number[] = [];
      let nextMs = began + 20;
      while (here()) {
        if (clock.monoMs() >= nextMs) {
          admission.tick();
          nextMs = clock.monoMs() + 20;
          const second = here();
          if (second) second.gates = Math.max(second.gates, admission.shareOf('grpc'));
        }
        const [asking, answering] = [askedMonoMs, letIn];
        [askedMonoMs, letIn] = [[], []];
        for (const asked of answering) {
          clock.advance(ANSWERING_MS / CORES);
          admission.waited('http', clock.monoMs() - asked);
          const second = here();
          if (second) second.answered += 1;
          askedMonoMs.push(clock.monoMs());
        }
        for (const asked of asking) {
          if (admission.refuse('http') === undefined) {
            clock.advance(ASKING_MS / CORES);
            letIn.push(asked);
          } else {
            clock.advance(REFUSAL_MS / CORES);
            admission.count('http', 'delay');
            here()?.refusals.push(clock.monoMs() - asked);
            askedMonoMs.push(clock.monoMs());
          }
        }
        for (const end of ends.splice(0)) end();
      }
      return seconds.map(({ refusals, ...second }) => {
        refusals.sort((a, b) => a - b);
        return { ...second, refusalMs: refusals[Math.floor(refusals.length * 0.99)] as number };
      });
    }

    it.each([120, 180, 240])('answers refusals of %i within 50 ms in every second', (callers) => {
      // All let in, a turn would take 72 to 144 ms; all refused, 15 to 30.
      for (const { refusalMs, gates } of crowd(callers).slice(2)) {
        expect(refusalMs).toBeLessThan(50);
        expect(gates).toBe(0);
      }
    });

    it('answers as many as it has time for, beside those whom it refuses', () => {
      // Alone, 1,667 a second.
      for (const { answered } of crowd(120).slice(2)) expect(answered).toBeGreaterThan(800);
    });

    it('lets everybody in who leaves the loop in time', () => {
      for (const { refusalMs } of crowd(20)) expect(refusalMs).toBe(0);
    });
  });

  describe('in a crowd', () => {
    /** A crowd that has just been seen, in which nobody is shed for the lateness as such. */
    function justSeen() {
      const clock = new ManualClock();
      const ends: (() => void)[] = [];
      const admission = new Admission(OPTIONS, clock, {
        random: () => 0,
        busyShare: () => 1,
        ownMs: () => clock.monoMs(),
        atTurnsEnd: (end) => ends.push(end),
      });
      admission.start();
      admission.stop();
      const endTurn = () => {
        for (const end of ends.splice(0)) end();
      };
      const tick = (lateMs: number) => {
        admission.waited('http', 1);
        clock.advance(20 + lateMs);
        admission.tick();
      };
      for (let i = 0; i < 5; i++) tick(30);
      for (let i = 0; i < 30; i++) tick(0);
      expect(admission.level).toBe(0);
      return { clock, admission, tick, endTurn };
    }

    it('phones who ask late in a turn of the loop are shed, and gates not', () => {
      const { clock, admission, endTurn } = justSeen();
      expect(admission.refuse('http')).toBeUndefined();
      clock.advance(13);
      expect(admission.refuse('http')).toBe('delay');
      expect(admission.refuse('photo')).toBe('delay');
      expect(admission.refuse('grpc')).toBeUndefined();
      endTurn();
      expect(admission.refuse('http')).toBeUndefined();
    });

    it('goes on while some are shed for coming late in a turn, but not for a pause now and then', () => {
      const isCrowdAfter = (everyTicks: number) => {
        const { clock, admission, tick, endTurn } = justSeen();
        const isShedLate = () => {
          admission.refuse('http');
          clock.advance(13);
          const isShed = admission.refuse('http') === 'delay';
          endTurn();
          return isShed;
        };
        for (let i = 0; i < 200; i++) {
          if (i % everyTicks === 0 && isShedLate()) admission.count('http', 'delay');
          tick(0);
        }
        expect(admission.level).toBe(0);
        return isShedLate();
      };
      expect(isCrowdAfter(2)).toBe(true);
      expect(isCrowdAfter(25)).toBe(false);
    });

    it('a turn ends when all is done that had come, by the event loop itself', async () => {
      const clock = new ManualClock();
      const admission = new Admission(OPTIONS, clock, {
        random: () => 0,
        busyShare: () => 1,
        ownMs: () => clock.monoMs(),
      });
      admission.start();
      admission.stop();
      for (let i = 0; i < 35; i++) {
        admission.waited('http', 1);
        clock.advance(i < 5 ? 50 : 20);
        admission.tick();
      }
      expect(admission.refuse('http')).toBeUndefined();
      clock.advance(13);
      expect(admission.refuse('http')).toBe('delay');
      await turn();
      expect(admission.refuse('http')).toBeUndefined();
    });
  });

  it('drops what lay in the sockets while nothing ran, and then lets in again', async () => {
    const { clock, admission } = late(1_000, 1);
    expect(admission.refuse('grpc')).toBe('stalled');
    // A backlog of more than one turn of the loop is dropped to its end.
    for (let i = 0; i < 300; i++) admission.refuse('http');
    await turn();
    expect(admission.refuse('http')).toBe('stalled');
    await turn();
    await turn();
    for (let i = 0; i < 60; i++) {
      clock.advance(20);
      admission.tick();
    }
    expect(admission.refuse('photo')).toBeUndefined();
  });

  it('drops no backlog for ever: whoever is refused may ask again at once', async () => {
    const { admission } = late(1_000, 1);
    const askAgain = () => {
      for (let i = 0; i < 300; i++) admission.refuse('http');
    };
    let turns = 0;
    for (askAgain(); admission.refuse('grpc') === 'stalled'; askAgain()) {
      await turn();
      turns += 1;
      expect(turns).toBeLessThan(10);
    }
    expect(turns).toBeGreaterThan(2);
  });

  it('lets fewer wait when waits grow long, and more when they are short again', () => {
    const { clock, admission } = late(0);
    const tick = (door: 'http' | 'grpc', waitedMs: number) => {
      for (let i = 0; i < 10; i++) admission.waited(door, waitedMs);
      clock.advance(20);
      admission.tick();
    };
    for (let i = 0; i < 20; i++) tick('http', 250);
    expect(admission.limitOf('http')).toBe(64);
    expect(admission.refuse('http', 64)).toBe('in-flight');
    expect(admission.refuse('http', 63)).toBeUndefined();
    expect(admission.limitOf('grpc')).toBe(2_000);
    for (let i = 0; i < 50; i++) tick('http', 10);
    expect(admission.limitOf('http')).toBe(1_000);
    // Half of a gate's deadline is not half of a phone's.
    for (let i = 0; i < 20; i++) tick('grpc', 120);
    expect([admission.limitOf('http'), admission.limitOf('grpc')]).toEqual([1_000, 64]);
  });
});
