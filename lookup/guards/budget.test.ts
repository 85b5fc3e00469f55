import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { Budget } from './budget.ts';

const takeAll = (budget: Budget) => {
  let taken = 0;
  while (budget.take()) taken++;
  return taken;
};

describe('a budget', () => {
  it('has a tenth of a second at once, and then its rate', () => {
    const clock = new ManualClock();
    const budget = new Budget(100, clock);
    expect(takeAll(budget)).toBe(10);
    clock.advance(9);
    expect(budget.take()).toBe(false);
    clock.advance(1);
    expect([budget.take(), budget.take()]).toEqual([true, false]);
  });

  it('saves up nothing more while nobody asks', () => {
    const clock = new ManualClock();
    const budget = new Budget(100, clock);
    clock.advance(3_600_000);
    expect(takeAll(budget)).toBe(10);
  });

  it('says how long until there is one', () => {
    const clock = new ManualClock();
    const budget = new Budget(20, clock);
    expect(budget.waitMs()).toBe(0);
    takeAll(budget);
    expect(budget.waitMs()).toBe(50);
    clock.advance(30);
    expect(budget.waitMs()).toBe(20);
    clock.advance(20);
    expect(budget.waitMs()).toBe(0);
    expect(budget.take()).toBe(true);
  });

  it('lets one through at once even when there are few a second', () => {
    const clock = new ManualClock();
    const budget = new Budget(1, clock);
    expect(takeAll(budget)).toBe(1);
    clock.advance(999);
    expect(budget.take()).toBe(false);
    clock.advance(1);
    expect(budget.take()).toBe(true);
  });

  it('never gives more in any span than a tenth of a second and its rate, however it is asked', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(200), asks: fc.nat(40) }), {
      maxLength: 40,
      size: 'max',
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), steps, (perS, sequence) => {
        const clock = new ManualClock();
        const budget = new Budget(perS, clock);
        const taken: { atMs: number; upTo: number }[] = [{ atMs: clock.monoMs(), upTo: 0 }];
        let total = 0;
        for (const { waitMs, asks } of sequence) {
          clock.advance(waitMs);
          const atMs = clock.monoMs();
          taken.push({ atMs, upTo: total });
          for (let i = 0; i < asks; i++) if (budget.take()) total += 1;
          for (const from of taken) {
            const most = Math.max(1, perS / 10) + ((atMs - from.atMs) * perS) / 1_000;
            expect(total - from.upTo).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      }),
    );
  });
});
