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

/** Late by so much, for a second. */
function late(ms: number, ticks = 50) {
  const clock = new ManualClock();
  const admission = new Admission(OPTIONS, clock);
  admission.start();
  admission.stop();
  for (let i = 0; i < ticks; i++) {
    clock.advance(20 + ms);
    admission.tick();
  }
  return { clock, admission };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('admission', () => {
  it('lets everybody in while nothing is late', () => {
    const { admission } = late(0);
    for (const door of ['photo', 'http', 'grpc'] as const)
      expect(admission.refuse(door)).toBeUndefined();
    expect(admission.refuseWait('http', 0)).toBeUndefined();
  });

  it.each([
    [30, ['photo']],
    [60, ['photo', 'http who wait']],
    [110, ['photo', 'http who wait', 'grpc who wait']],
    [160, ['photo', 'http who wait', 'grpc who wait', 'http']],
    [290, ['photo', 'http who wait', 'grpc who wait', 'http']],
  ])('%i ms late, it sheds photos, phones, gates; what memory answers last', (ms, shed) => {
    const { admission } = late(ms);
    const all: [string, string | undefined][] = [
      ['photo', admission.refuse('photo')],
      ['http who wait', admission.refuseWait('http', 0)],
      ['grpc who wait', admission.refuseWait('grpc', 0)],
      ['http', admission.refuse('http')],
      ['grpc', admission.refuse('grpc')],
    ];
    expect(all.filter(([, cause]) => cause === 'delay').map(([door]) => door)).toEqual(shed);
  });

  it('takes one long collection for no overload', () => {
    const { admission } = late(100, 1);
    expect(admission.refuse('photo')).toBeUndefined();
    expect(admission.delayMs).toBeGreaterThan(0);
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
    expect(admission.shed.http.stalled).toBe(301);
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
    expect(admission.refuseWait('http', 64)).toBe('in-flight');
    expect(admission.refuseWait('http', 63)).toBeUndefined();
    for (let i = 0; i < 50; i++) tick(10);
    expect(admission.limitOf('http')).toBe(1_000);
    expect(admission.limitOf('grpc')).toBe(2_000);
  });
});
