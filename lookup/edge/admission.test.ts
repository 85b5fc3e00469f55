import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { Admission } from './admission.ts';

const OPTIONS = {
  admissionDelayMs: 25,
  admissionStallMs: 500,
  deadlineHttpMs: 300,
  httpInFlightMax: 1_000,
  grpcInFlightMax: 2_000,
};

/** Ticks, each late by so much, of a loop that was busy for this share of the time. */
function late(ms: number, ticks = 50, busyShare = 1) {
  const clock = new ManualClock();
  const admission = new Admission(OPTIONS, clock, seeded(), () => busyShare);
  admission.start();
  admission.stop();
  const tick = (lateMs: number) => {
    clock.advance(20 + lateMs);
    admission.tick();
  };
  for (let i = 0; i < ticks; i++) tick(ms);
  return { clock, admission, tick };
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
const CLASSES = ['photo', 'http', 'new-token', 'grpc'] as const;

describe('admission', () => {
  it.each([0, 20])('lets everybody in while it is %i ms late, where 25 are aimed at', (ms) => {
    const { admission } = late(ms);
    for (const door of DOORS) expect(admission.refuse(door)).toBeUndefined();
  });

  it('sheds photos, phones, phones with new tokens, gates; and one in ten of them never', () => {
    const { admission, tick } = late(0);
    const seen: number[][] = [];
    for (let i = 0; i < 100; i++) {
      tick(50);
      seen.push(CLASSES.map((one) => admission.shareOf(one)));
    }
    // Whoever is shed at all, those before are shed whole, or as far as ever.
    const most = [1, 0.9, 0.9, 0.9];
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

  it('lets everybody in again within a second', () => {
    const { admission, tick } = late(1_000);
    expect(admission.shareOf('grpc')).toBe(0.9);
    for (let i = 0; i < 50; i++) tick(0);
    for (const one of CLASSES) expect(admission.shareOf(one)).toBe(0);
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
    for (let i = 0; i < 4; i++) tick(60);
    expect(admission.level).toBeGreaterThan(0);
  });

  it('sheds nobody while it was not busy itself: others took the processor', () => {
    const { admission } = late(100, 50, 0.5);
    expect(admission.delayMs).toBeGreaterThan(80);
    expect(admission.level).toBe(0);
    expect(late(100, 50, 0.9).admission.shareOf('grpc')).toBe(0.9);
  });

  it('knows by itself whether it is busy', async () => {
    const clock = new ManualClock();
    const busy = new Admission(OPTIONS, clock);
    busy.start();
    busy.stop();
    for (let i = 0; i < 10; i++) {
      const until = performance.now() + 5;
      while (performance.now() < until);
      clock.advance(100);
      busy.tick();
    }
    expect(busy.level).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      clock.advance(100);
      busy.tick();
    }
    expect(busy.level).toBe(0);
  });

  it('sheds nobody where nearly all are answered by memory: it would help nobody', () => {
    const { admission, tick } = late(0);
    const crowd = (waiting: number) => {
      for (let i = 0; i < 100; i++) {
        admission.refuse('http');
        if (i < waiting) admission.waited(5);
      }
      tick(100);
    };
    for (let i = 0; i < 50; i++) crowd(1);
    expect(admission.level).toBe(0);
    for (let i = 0; i < 50; i++) crowd(20);
    expect(admission.shareOf('grpc')).toBe(0.9);
    for (let i = 0; i < 50; i++) crowd(1);
    expect(admission.level).toBe(0);
  });

  it('under a crowd sheds as many as leave a turn of the loop short, and no more', () => {
    // 200 callers who ask again when they are answered; a fifth of a core; an answer takes 80 us of it, a refusal 20.
    const clock = new ManualClock();
    const admission = new Admission({ ...OPTIONS, admissionDelayMs: 15 }, clock, seeded(), () => 1);
    admission.start();
    admission.stop();
    const [CALLERS, CORES, ANSWER_MS, REFUSAL_MS] = [200, 0.2, 0.08, 0.02];
    let [nextMs, answered, seconds] = [clock.monoMs() + 20, 0, 0];
    const turns: number[] = [];
    while (seconds < 20) {
      let workMs = 0;
      for (let i = 0; i < CALLERS; i++) {
        const isIn = admission.refuse('http') === undefined;
        workMs += isIn ? ANSWER_MS : REFUSAL_MS;
        if (isIn) admission.waited(1);
        else admission.count('http', 'delay');
        if (isIn && seconds > 5) answered += 1;
      }
      clock.advance(workMs / CORES);
      seconds += workMs / CORES / 1_000;
      if (seconds > 5) turns.push(workMs / CORES);
      if (clock.monoMs() < nextMs) continue;
      admission.tick();
      nextMs = clock.monoMs() + 20;
    }
    // All let in, a turn would take 80 ms; all refused, 20.
    turns.sort((a, b) => a - b);
    expect(turns[Math.floor(turns.length * 0.99)]).toBeLessThan(50);
    expect(turns[Math.floor(turns.length / 2)]).toBeGreaterThan(30);
    expect(answered / 15).toBeGreaterThan(1_300);
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

  it('lets fewer wait when waits grow long, and more when they are short again', () => {
    const { clock, admission } = late(0);
    const tick = (waitedMs: number) => {
      for (let i = 0; i < 10; i++) admission.waited(waitedMs);
      clock.advance(20);
      admission.tick();
    };
    for (let i = 0; i < 20; i++) tick(250);
    expect(admission.limitOf('http')).toBe(64);
    expect(admission.refuse('http', 64)).toBe('in-flight');
    expect(admission.refuse('http', 63)).toBeUndefined();
    for (let i = 0; i < 50; i++) tick(10);
    expect(admission.limitOf('http')).toBe(1_000);
    expect(admission.limitOf('grpc')).toBe(2_000);
  });
});
