import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turnsEnd } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import { abortedAfter, settledWithin, within } from './timeout.ts';

const echo = spawn('cat');
afterAll(async () => {
  const ended = once(echo, 'exit');
  echo.kill();
  await ended;
});

/** This process does nothing else, not even read its sockets. */
const beBusy = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const LONG_MS = 60_000;

/** Ends when it is told to, and not before. */
const hang = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

const asked = async (text: string) => {
  const answer = once(echo.stdout, 'data');
  echo.stdin.write(text);
  return String((await answer)[0]);
};

describe('a time after which it is late', () => {
  test('what came while this process was busy is an answer, however late it is read', async () => {
    await asked('first');
    const answer = settledWithin(asked('second'), 30, 'late');
    beBusy(200);
    expect(await answer).toBe('second');
  });

  test('what never comes is late after the time', async () => {
    const began = performance.now();
    expect(await settledWithin(new Promise(() => {}), 30, 'late')).toBe('late');
    expect(performance.now() - began).toBeGreaterThan(28);
  });

  test('a failure is told as it is', async () => {
    await expect(settledWithin(Promise.reject(new Error('no')), 1e4, 'late')).rejects.toThrow('no');
  });
});

describe('work that is told when it takes too long', () => {
  test('is not told of what came while this process was busy', async () => {
    await asked('first');
    let told = false;
    const answer = abortedAfter(30, (signal) => {
      signal.addEventListener('abort', () => {
        told = true;
      });
      return asked('second');
    });
    beBusy(200);
    expect(await answer).toBe('second');
    await turnsEnd();
    expect(told).toBe(false);
  });

  test('is told why, after the time', async () => {
    const began = performance.now();
    await expect(abortedAfter(30, hang)).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'not within 30 ms',
    });
    expect(performance.now() - began).toBeGreaterThan(28);
  });

  test('ends when the outer signal aborts, and when it had', async () => {
    const outer = new AbortController();
    const work = abortedAfter(LONG_MS, hang, outer.signal);
    outer.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
    await expect(abortedAfter(LONG_MS, hang, outer.signal)).rejects.toThrow('enough');
  });

  test('keeps to its limit when garbage is collected meanwhile', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const work = abortedAfter(50, hang, new AbortController().signal);
    const ends = expect(work).rejects.toThrow('not within 50 ms');
    // What is only held weakly goes once this turn of the loop is over.
    await turnsEnd();
    collectGarbage();
    await ends;
  });

  test('leaves nothing behind when it is done', async () => {
    let kept: AbortSignal | undefined;
    const work = async (signal: AbortSignal) => {
      kept = signal;
      return 'done';
    };
    const outer = new AbortController();
    expect(await abortedAfter(1, work, outer.signal)).toBe('done');
    await new Promise((resolve) => setTimeout(resolve, 20));
    outer.abort();
    expect(kept?.aborted).toBe(false);
  });
});

describe('a time after which it fails', () => {
  test('what came while this process was busy is an answer, however late it is read', async () => {
    await asked('first');
    const answer = within(asked('second'), 30, 'the echo');
    beBusy(200);
    expect(await answer).toBe('second');
  });

  test('what never comes is told after the time', async () => {
    const began = performance.now();
    await expect(within(new Promise(() => {}), 30, 'nobody')).rejects.toThrow(
      'nobody: no answer in 30 ms',
    );
    expect(performance.now() - began).toBeGreaterThan(28);
  });

  test("a failure is told at once, and a late one is nobody's", async () => {
    await expect(within(Promise.reject(new Error('no')), 10_000, 'it')).rejects.toThrow('no');
    let fail = (_: Error) => {};
    const call = new Promise((_, reject) => {
      fail = reject;
    });
    await expect(within(call, 5, 'it')).rejects.toThrow('no answer');
    fail(new Error('late'));
    await new Promise(setImmediate);
  });
});
