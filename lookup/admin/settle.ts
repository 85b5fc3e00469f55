// Who seems to differ while people are changed all the time: the source is read, the party is given time to hear of
// that, is looked at, and the source is read again. What matches neither read, of a person who stood still between the
// two, is a difference. A party whose own time is older than the first read says nothing against it: it is asked for an
// answer no older than that.

import { setTimeout as pause } from 'node:timers/promises';
import type { SqlSession } from '../source/sql.ts';
import type { Difference, Kind } from './differences.ts';
import { type Expected, readExpected } from './expected.ts';
import type { Party, Verdict } from './parties.ts';

/**
 * Within this every process that is well has applied what was committed before. One that is asked sooner reads the
 * source for the answer, and what it holds itself is not seen.
 */
export const HEARD_WITHIN_MS = 600;

const TRIES_MAX = 3;

export interface Settled {
  readonly differences: readonly Difference[];
  /** Of whom Redis has nothing. */
  readonly missing: number;
}

/** A first look. `open`: who has to be looked at again. */
export async function lookOnce(
  party: Party,
  page: readonly Expected[],
): Promise<Settled & { readonly open: readonly Expected[] }> {
  const judges = await party.look(page, false);
  const sorted = new Sorted();
  for (const [i, one] of page.entries()) sorted.add(one, judges[i]?.(one), false);
  return sorted;
}

/** Looks again, up to three times, until it is certain who differs. */
export async function settle(
  session: SqlSession,
  party: Party,
  open: readonly Expected[],
): Promise<Settled> {
  const differences: Difference[] = [];
  let missing = 0;
  let rest = open;
  for (let tries = 1; rest.length > 0; tries++) {
    const subjects = rest.map(({ subject }) => subject);
    const before = await readExpected(session, subjects);
    await pause(HEARD_WITHIN_MS);
    const judges = await party.look(before, true);
    const after = await readExpected(session, subjects);
    const sorted = new Sorted();
    for (const [i, one] of before.entries()) {
      const later = after[i] as Expected;
      const verdict = judges[i]?.(one);
      const matches = verdict === undefined || judges[i]?.(later) === undefined;
      sorted.add(one, matches ? undefined : verdict, isSure(verdict, one, later, tries));
    }
    differences.push(...sorted.differences);
    missing += sorted.missing;
    rest = sorted.open;
  }
  return { differences, missing };
}

/** What may yet change though nobody changes the person: "not now", and a record on a node that is itself behind. */
const PATIENCE = new Set<Kind>([
  'process-unavailable',
  'redis-unavailable',
  'redis-other-epoch',
  'redis-older',
  'redis-erased-but-there',
]);

function isSure(verdict: Verdict, before: Expected, after: Expected, tries: number): boolean {
  if (tries === TRIES_MAX) return true;
  if (typeof verdict !== 'object' || PATIENCE.has(verdict.kind)) return false;
  return truthOf(before) === truthOf(after);
}

const truthOf = ({ person, effective }: Expected) => JSON.stringify([person, effective]);

class Sorted {
  readonly differences: Difference[] = [];
  readonly open: Expected[] = [];
  missing = 0;

  add(expected: Expected, verdict: Verdict, isSure: boolean): void {
    if (verdict === undefined) return;
    if (verdict === 'missing') this.missing += 1;
    else if (verdict.proven || isSure) this.differences.push(verdict);
    else this.open.push(expected);
  }
}
