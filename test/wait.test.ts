import { expect, test } from 'vitest';
import { until } from './wait.ts';

test('returns the first value that counts, whatever was thrown before', async () => {
  let looks = 0;
  const value = await until(
    () => {
      looks++;
      if (looks === 1) throw new Error('not yet');
      return looks < 3 ? undefined : looks;
    },
    { what: 'the third look', everyMs: 1 },
  );
  expect(value).toBe(3);
});

test('a zero and an empty text are values', async () => {
  expect(await until(() => 0, { what: 'nought' })).toBe(0);
  expect(await until(() => '', { what: 'nothing' })).toBe('');
});

test('says what did not happen, and why, when the time is up', async () => {
  const waiting = until(
    () => {
      throw new Error('closed');
    },
    { what: 'the door opens', timeoutMs: 5, everyMs: 1 },
  );
  await expect(waiting).rejects.toMatchObject({
    message: 'the door opens: not within 5 ms',
    cause: { message: 'closed' },
  });
});

test('gives up at once when it is hopeless, but counts what was there by then', async () => {
  const hopeless = () => 'it ended';
  await expect(until(() => false, { what: 'a word', hopeless })).rejects.toThrow(
    'a word: it ended',
  );
  expect(await until(() => 'word', { what: 'a word', hopeless })).toBe('word');
});
