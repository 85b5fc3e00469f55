import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { settledWithin, within } from './timeout.ts';

const echo = spawn('cat');
afterAll(async () => {
  const ended = once(echo, 'exit');
  echo.kill();
  await ended;
});

/** This process does nothing else, not even read its sockets. */
const beBusy = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

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
