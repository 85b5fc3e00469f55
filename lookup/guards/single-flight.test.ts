import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SingleFlight } from './single-flight.ts';

function gate<T>() {
  let open!: (value: T) => void;
  let fail!: (error: Error) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}

describe('a single flight', () => {
  it('loads once for all who ask while it is under way', async () => {
    const flights = new SingleFlight<number>();
    const { promise, open } = gate<number>();
    let loads = 0;
    const ask = () =>
      flights.do('k', 0, () => {
        loads += 1;
        return promise;
      });
    const asked = [ask(), ask(), ask()];
    open(7);
    expect(await Promise.all(asked)).toEqual([7, 7, 7]);
    expect(loads).toBe(1);
    expect(flights.size).toBe(0);
  });

  it('releases all who wait when it fails, also when it throws at once, and starts anew after', async () => {
    const flights = new SingleFlight<number>();
    const boom = () => {
      throw new Error('boom');
    };
    await expect(flights.do('k', 0, boom)).rejects.toThrow('boom');
    expect(flights.size).toBe(0);
    expect(await flights.do('k', 0, async () => 8)).toBe(8);
  });

  it('is not joined by who needs a later one, and its end does not end the later one', async () => {
    const flights = new SingleFlight<string>();
    const first = gate<string>();
    const second = gate<string>();
    const early = flights.do('k', 10, () => first.promise);
    const late = flights.do('k', 20, () => second.promise, 20);
    first.open('old');
    expect(await early).toBe('old');
    const joined = flights.do('k', 21, async () => 'third', 15);
    second.open('new');
    expect([await late, await joined]).toEqual(['new', 'new']);
  });

  it('never has two under way for a key, whatever the order of asking and ending', async () => {
    const steps = fc.array(
      fc.record({ key: fc.constantFrom('a', 'b'), end: fc.boolean(), fails: fc.boolean() }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const flights = new SingleFlight<number>();
        const under = new Map<string, ReturnType<typeof gate<number>>>();
        const asked: Promise<unknown>[] = [];
        for (const { key, end, fails } of sequence) {
          const flight = under.get(key);
          if (end && flight) {
            under.delete(key);
            if (fails) flight.fail(new Error('x'));
            else flight.open(1);
            await flight.promise.catch(() => {});
            await Promise.resolve();
            await Promise.resolve();
            continue;
          }
          asked.push(
            flights
              .do(key, 0, () => {
                expect(under.has(key)).toBe(false);
                const begun = gate<number>();
                under.set(key, begun);
                return begun.promise;
              })
              .catch((error: Error) => expect(error.message).toBe('x')),
          );
        }
        for (const flight of under.values()) flight.open(2);
        await Promise.all(asked);
        expect(flights.size).toBe(0);
      }),
    );
  });
});
