import { expect, test } from 'vitest';
import type { Batch } from './feed.ts';
import type { Freshness } from './freshness.ts';
import { applyBatch, type Held } from './held.ts';

/** What becomes of a change, where this process knows version 6 of everybody. */
function applied(version: number, more: object = {}): string[] {
  const seen: string[] = [];
  const told = (name: string) => () => void seen.push(name);
  const held: Held = {
    memory: { clear: told('clear'), drop: told('drop'), update: told('update') },
    negatives: { clear: () => {}, delete: () => {} },
    whole: { clear: () => {}, delete: () => {} },
  };
  const freshness = {
    generation: 1,
    apply: () => {},
    isOvertaken: (_: string, one: number) => one < 6,
  } as unknown as Freshness;
  const people = [{ subject: 'somebody', version, ...more }];
  applyBatch({ joins: 'continues', people } as unknown as Batch, freshness, held);
  return seen;
}

test('memory takes what is as new as all that this process knows', () => {
  expect([6, 7].map((version) => applied(version))).toEqual([['update'], ['update']]);
});

test('memory forgets whoever changed before what this process has told of them', () => {
  expect(applied(5)).toEqual(['drop']);
});

test('memory forgets who was erased', () => {
  expect(applied(7, { erased: true })).toEqual(['drop']);
});
