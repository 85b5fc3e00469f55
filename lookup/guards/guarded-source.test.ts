import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../clock.ts';
import type { Subject } from '../health-code.ts';
import { type Log, noLog } from '../log.ts';
import type { Loaded, SourceRow } from '../source/source.ts';
import { GuardedSource, type GuardedSourceOptions, SourceRefusedError } from './guarded-source.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date', 'performance'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const OPTIONS: GuardedSourceOptions = {
  sourceTimeoutHardMs: 180,
  sourceQueriesPerS: 1_000,
  sourceInFlightMax: 2,
  sourceBatchMax: 3,
  sourceQueueMax: 10,
  sourceBreakerFailures: 3,
  sourceBreakerHalfOpenAfterMs: 1_000,
};
const idOf = (n: number) => Buffer.alloc(16, n).toString('base64url');
const AS_OF = 5_000;

interface Query {
  readonly subjects: readonly Subject[];
  readonly signal: AbortSignal;
  /** @param present those whom the source has; all, unless told */
  answer(present?: readonly Subject[]): void;
  fail(): void;
}

/** A guard before a source that answers when told to. */
function world(options: Partial<GuardedSourceOptions> = {}) {
  const clock = new ManualClock();
  const queries: Query[] = [];
  const warned: unknown[] = [];
  const log = { ...noLog, warn: (fields: unknown) => void warned.push(fields) } as Log;
  const load = (subjects: readonly Subject[], signal: AbortSignal) =>
    new Promise<Loaded>((resolve, reject) => {
      const answer = (present = subjects) => {
        const rows = present.map((subject) => [subject, rowOf(subject)] as const);
        resolve({ asOf: AS_OF, rows: new Map(rows) });
      };
      queries.push({ subjects, signal, answer, fail: () => reject(new Error('away')) });
    });
  const guarded = new GuardedSource({ load }, { ...OPTIONS, ...options }, clock, log);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await vi.advanceTimersByTimeAsync(ms);
  };
  /** Asks; the outcome is set once it is known. */
  const ask = (n: number) => {
    const asked: { value?: unknown; why?: string } = {};
    guarded.load(idOf(n)).then(
      (value) => Object.assign(asked, { value }),
      (error) =>
        Object.assign(asked, {
          why: error instanceof SourceRefusedError ? error.why : error.message,
        }),
    );
    return asked;
  };
  return { clock, queries, guarded, pass, ask, warned };
}

const rowOf = (subject: Subject): SourceRow => ({
  record: { subject, version: 1, color: 1, areas: [], photo: undefined },
  xid: 100,
  effective: 1,
});
const outcomes = (asked: readonly { value?: unknown; why?: string }[]) =>
  asked.map((one) => one.why ?? (one.value ? 'loaded' : 'waiting'));

describe('batches', () => {
  it('hold all who ask in one turn, and each gets their own row, or none', async () => {
    const { ask, pass, queries, clock } = world();
    const beganMonoMs = clock.monoMs();
    const asked = [1, 2, 3].map(ask);
    expect(queries).toEqual([]);
    await pass(0);
    expect(queries.map(({ subjects }) => subjects)).toEqual([[idOf(1), idOf(2), idOf(3)]]);
    await pass(20);
    queries[0]?.answer([idOf(1), idOf(3)]);
    await pass(0);
    expect(asked.map(({ value }) => value)).toEqual([
      { asOf: AS_OF, beganMonoMs, row: rowOf(idOf(1)) },
      { asOf: AS_OF, beganMonoMs, row: undefined },
      { asOf: AS_OF, beganMonoMs, row: rowOf(idOf(3)) },
    ]);
  });

  it('are no larger than they may be, no more at once, and form while all places are taken', async () => {
    const { ask, pass, queries, guarded } = world();
    const asked = [1, 2, 3, 4, 5, 6, 7].map(ask);
    await pass(0);
    expect(queries.map(({ subjects }) => subjects.length)).toEqual([3, 3]);
    expect([guarded.inFlight, guarded.queued]).toEqual([2, 1]);
    asked.push(ask(8));
    await pass(50);
    expect(queries.length).toBe(2);
    queries[1]?.answer();
    await pass(0);
    expect(queries[2]?.subjects).toEqual([idOf(7), idOf(8)]);
    queries[0]?.answer();
    queries[2]?.answer();
    await pass(0);
    expect(outcomes(asked)).toEqual(Array(8).fill('loaded'));
    expect([guarded.inFlight, guarded.queued]).toEqual([0, 0]);
    expect(guarded.stats).toMatchObject({ queries: 3, subjects: 8 });
  });

  it('began when the statement was sent, not when it was asked for', async () => {
    const { ask, pass, queries, clock } = world({ sourceInFlightMax: 1 });
    ask(1);
    await pass(0);
    const late = ask(2);
    await pass(40);
    queries[0]?.answer();
    await pass(10);
    const sent = clock.monoMs();
    await pass(5);
    queries[1]?.answer();
    await pass(0);
    const { beganMonoMs } = late.value as { beganMonoMs: number };
    expect(beganMonoMs).toBeGreaterThan(sent - 11);
    expect(beganMonoMs).toBeLessThanOrEqual(sent);
  });
});

describe('the queue', () => {
  it('has an end: further ones are refused at once', async () => {
    const { ask, pass, queries, guarded } = world();
    const asked = Array.from({ length: 12 }, (_, n) => ask(n));
    await vi.advanceTimersByTimeAsync(0);
    expect(outcomes(asked).filter((one) => one === 'queue-full').length).toBe(2);
    expect(guarded.stats.queueFull).toBe(2);
    for (let i = 0; i < 4; i++) {
      for (const query of queries) query.answer();
      await pass(0);
    }
    expect(outcomes(asked).filter((one) => one === 'loaded').length).toBe(10);
  });

  it('lets go who has waited too long, unasked, and those who came later stay', async () => {
    const { ask, pass, queries, guarded } = world({ sourceInFlightMax: 1, sourceBatchMax: 1 });
    const asked = [ask(1), ask(2)];
    await pass(100);
    asked.push(ask(3));
    await pass(90);
    expect(outcomes(asked)).toEqual(['waiting', 'timeout', 'waiting']);
    expect(guarded.stats.timeouts).toBe(1);
    queries[0]?.answer();
    await pass(0);
    expect(queries[1]?.subjects).toEqual([idOf(3)]);
    queries[1]?.answer();
    await pass(0);
    expect(outcomes(asked)).toEqual(['loaded', 'timeout', 'loaded']);
  });

  it('is emptied no faster than the budget allows, and wholly', async () => {
    const { ask, pass, queries } = world({
      sourceQueriesPerS: 10,
      sourceBatchMax: 1,
      sourceInFlightMax: 100,
      sourceTimeoutHardMs: 5_000,
    });
    const asked = Array.from({ length: 5 }, (_, n) => ask(n));
    await pass(0);
    const sent = [];
    for (let i = 0; i < 5; i++) {
      sent.push(queries.length);
      await pass(100);
    }
    expect(sent).toEqual([1, 2, 3, 4, 5]);
    for (const query of queries) query.answer();
    await pass(0);
    expect(outcomes(asked)).toEqual(Array(5).fill('loaded'));
  });
});

describe('a failing source', () => {
  it('fails those of the batch, with its own error, and nobody else', async () => {
    const { ask, pass, queries, guarded } = world();
    const asked = [1, 2, 3, 4].map(ask);
    await pass(0);
    queries[0]?.fail();
    queries[1]?.answer();
    await pass(0);
    expect(outcomes(asked)).toEqual(['away', 'away', 'away', 'loaded']);
    expect(guarded.stats.failures).toBe(1);
  });

  it('is not sent when nobody needs it any more, and nobody else pays for that', async () => {
    const { ask, guarded, pass, queries } = world();
    for (const n of [1, 2, 3, 4, 5, 6]) ask(n);
    await pass(0);
    let over = false;
    const asked = guarded.load(idOf(7), () => over).catch((error) => error.why);
    const other = ask(8);
    over = true;
    queries[0]?.answer();
    await pass(0);
    expect(await asked).toBe('taken-back');
    expect(queries[2]?.subjects).toEqual([idOf(8)]);
    queries[2]?.answer();
    await pass(0);
    expect(outcomes([other])).toEqual(['loaded']);
    expect(guarded.stats).toMatchObject({ takenBack: 1, queries: 3, subjects: 7 });
  });

  it('is told when the wait for it is over', async () => {
    const { ask, pass, queries } = world({ sourceTimeoutHardMs: 20 });
    ask(1);
    await pass(0);
    const signal = queries[0]?.signal;
    await pass(19);
    expect(signal?.aborted).toBe(false);
    await pass(1);
    // What lies in a socket is read before that.
    await pass(1);
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' });
  });

  /** Fails until the breaker opens. */
  async function opened() {
    const made = world({ sourceBatchMax: 1 });
    for (let n = 0; n < OPTIONS.sourceBreakerFailures; n++) {
      expect(made.guarded.breakerState).toBe('Closed');
      made.ask(n);
      await made.pass(0);
      made.queries[n]?.fail();
      await made.pass(10);
    }
    expect(made.guarded.breakerState).toBe('Open');
    return made;
  }

  it('is not asked any more after some failures in a row, and whoever asks is told at once', async () => {
    const { ask, pass, queries, guarded, warned } = await opened();
    const asked = [ask(50), ask(51)];
    await pass(0);
    expect(outcomes(asked)).toEqual(['breaker-open', 'breaker-open']);
    expect(queries.length).toBe(OPTIONS.sourceBreakerFailures);
    expect(guarded.stats.breakerRefusals).toBe(2);
    // A change of state is one line; what is refused while it lasts is a count.
    expect(warned).toEqual([{ breaker: 'source', state: 'Open' }]);
  });

  it('is tried by one after a while, and closes or opens by what that comes to', async () => {
    const { ask, pass, queries, guarded } = await opened();
    await pass(OPTIONS.sourceBreakerHalfOpenAfterMs);
    const failing = ask(60);
    await pass(0);
    expect(guarded.breakerState).toBe('HalfOpen');
    queries.at(-1)?.fail();
    await pass(0);
    expect([outcomes([failing]), guarded.breakerState]).toEqual([['away'], 'Open']);
    await pass(OPTIONS.sourceBreakerHalfOpenAfterMs);
    const asked = ask(61);
    await pass(0);
    queries.at(-1)?.answer();
    await pass(0);
    expect([outcomes([asked]), guarded.breakerState]).toEqual([['loaded'], 'Closed']);
  });

  it('whose failures are not in a row is asked on', async () => {
    const { ask, pass, queries, guarded } = world({ sourceBatchMax: 1 });
    for (let n = 0; n < 20; n++) {
      ask(n);
      await pass(10);
      if (n % 3 === 2) queries.at(-1)?.answer();
      else queries.at(-1)?.fail();
      await pass(10);
    }
    expect([queries.length, guarded.breakerState]).toEqual([20, 'Closed']);
  });
});

it('forgets nobody: each is answered or refused, whatever fails or takes long, and all places come free', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ ask: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 2, arbitrary: fc.record({ pass: fc.constantFrom(0, 1, 30, 200, 1_100) }) },
    { weight: 3, arbitrary: fc.record({ end: fc.nat(3), fails: fc.boolean() }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const { ask, pass, queries, guarded } = world({ sourceQueriesPerS: 200 });
      const asked: ReturnType<typeof ask>[] = [];
      const end = (at: number, fails: boolean) => {
        const [query] = queries.splice(at % queries.length, 1);
        if (fails) query?.fail();
        else query?.answer();
      };
      for (const one of steps) {
        if ('ask' in one) for (let i = 0; i < one.ask; i++) asked.push(ask(i));
        else if ('pass' in one) await pass(one.pass);
        else end(one.end, one.fails);
        await pass(0);
        expect(guarded.inFlight).toBeLessThanOrEqual(OPTIONS.sourceInFlightMax);
        expect(guarded.queued).toBeLessThanOrEqual(OPTIONS.sourceQueueMax);
        for (const { subjects } of queries)
          expect(subjects.length).toBeLessThanOrEqual(OPTIONS.sourceBatchMax);
      }
      for (let i = 0; i < 30; i++) {
        while (queries.length > 0) end(0, false);
        await pass(30);
      }
      expect(outcomes(asked)).not.toContain('waiting');
      expect([guarded.inFlight, guarded.queued]).toEqual([0, 0]);
    }),
    { numRuns: 100 },
  );
});
