import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { limited } from './limited.ts';

const LONG_MS = 60_000;
const never = new AbortController().signal;

/** Ends when it is told to, and not before. */
const hang = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

it('returns what the work does', async () => {
  expect(await limited(LONG_MS, never, async () => 7)).toBe(7);
});

it('ends work that takes too long', async () => {
  await expect(limited(5, never, hang)).rejects.toThrow('not within 5 ms');
});

it('ends work when the outer signal aborts, and when it had', async () => {
  const outer = new AbortController();
  const work = limited(LONG_MS, outer.signal, hang);
  outer.abort(new Error('enough'));
  await expect(work).rejects.toThrow('enough');
  await expect(limited(LONG_MS, outer.signal, hang)).rejects.toThrow('enough');
});

it('keeps to its limit when garbage is collected meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const work = limited(50, never, hang);
  const ends = expect(work).rejects.toThrow('not within 50 ms');
  // What is only held weakly goes once this turn of the loop is over.
  await setImmediate();
  collectGarbage();
  await ends;
});
