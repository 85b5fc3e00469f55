import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Log, noLog } from '../log.ts';
import { type Door, drain } from './drain.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const OPTIONS = { drainWaitMs: 5_000, drainTimeoutMs: 10_000 };

/** Two doors and two layers; what happens to them, in order. */
function world() {
  const happened: string[] = [];
  const open: Record<string, () => void> = {};
  const door = (name: string): Door => ({
    retire: () => void happened.push(`${name} retires`),
    finish(withinMs) {
      happened.push(`${name} finishes within ${withinMs}`);
      return new Promise((resolve) => {
        open[name] = () => {
          happened.push(`${name} is done`);
          resolve();
        };
      });
    },
  });
  const layer = (name: string) => async () => {
    happened.push(`${name} closes`);
    await Promise.resolve();
    happened.push(`${name} is closed`);
  };
  const log = {
    ...noLog,
    info: (_: unknown, text?: string) => void happened.push(text ?? String(_)),
  };
  const draining = drain(
    [door('http'), door('grpc')],
    [layer('feed'), layer('source')],
    OPTIONS,
    log as Log,
  );
  const seen = () => happened.splice(0);
  return { draining, seen, done: (name: string) => open[name]?.() };
}

describe('draining', () => {
  it('retires all doors at once, and goes on until balancers have noticed', async () => {
    const { seen } = world();
    expect(seen()).toEqual(['draining: not ready any more', 'http retires', 'grpc retires']);
    await vi.advanceTimersByTimeAsync(OPTIONS.drainWaitMs - 1);
    expect(seen()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(seen()).toEqual(['http finishes within 10000', 'grpc finishes within 10000']);
  });

  it('closes what the answers came from only when all doors are done, one after the other', async () => {
    const { draining, seen, done } = world();
    await vi.advanceTimersByTimeAsync(OPTIONS.drainWaitMs);
    seen();
    done('grpc');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen()).toEqual(['grpc is done']);
    done('http');
    await draining;
    expect(seen()).toEqual([
      'http is done',
      'feed closes',
      'feed is closed',
      'source closes',
      'source is closed',
      'drained',
    ]);
  });
});
