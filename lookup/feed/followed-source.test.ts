import { afterEach, expect, it, vi } from 'vitest';
import { FIRST_PAGE } from '../source/people.ts';
import type { Sql } from '../source/sql.ts';
import { readPage } from './followed-source.ts';

afterEach(() => vi.useRealTimers());

it('gives up a page that does not come, so that whoever fills a node can try again', async () => {
  vi.useFakeTimers();
  const silent: Sql = {
    query: (_statement, _values, signal) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
    close: async () => {},
  };
  const reading = readPage(silent, new Map(), FIRST_PAGE, 10, new AbortController().signal);
  const failed = expect(reading).rejects.toThrow('not within 10000 ms');
  await vi.advanceTimersByTimeAsync(10_001);
  await failed;
});
