import { expect, it } from 'vitest';
import type { Batch, PersonChange } from './feed.ts';
import { PEOPLE_AT_ONCE, partsOf } from './parts.ts';

const people: PersonChange[] = Array.from({ length: 2 * PEOPLE_AT_ONCE + 1 }, (_, i) => ({
  subject: String(i).padStart(22, 'A'),
  version: i + 1,
  erased: true,
  xid: 7,
}));

const batch: Batch = {
  resolved: 1,
  askedMonoMs: undefined,
  snapshot: { xmax: 7, xip: [] },
  ahead: { xmax: 8, xip: [] },
  cursor: { snapshot: '7:7:', token: undefined, epoch: 'e', at: 1 },
  epoch: 'e',
  people,
  floors: [],
  firstLoad: false,
  joins: 'continues',
};

it('tells a piece of a large transaction in parts: everybody once, in order, and the rest as it was', () => {
  const parts = [...partsOf(batch)];
  expect(parts.map((part) => part.people.length)).toEqual([PEOPLE_AT_ONCE, PEOPLE_AT_ONCE, 1]);
  expect(parts.flatMap((part) => part.people)).toEqual(people);
  for (const part of parts) expect({ ...part, people }).toEqual(batch);
});

it('leaves whole what moves together', () => {
  const whole = { ...batch, ahead: undefined };
  expect([...partsOf(whole)]).toEqual([whole]);
  const nobody = { ...batch, people: [] };
  expect([...partsOf(nobody)]).toEqual([nobody]);
});
