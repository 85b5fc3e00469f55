// Who differs, while people are changed all the time. The source is read, a party is looked at, and the source is read
// again: what matches neither read, of a person who stood still between the two, is a difference, provided that what
// was seen claims to be no older than the first read. What claims less says nothing: after a while, in which all who
// are well hear of what was read, it is looked at again, for an answer no older than that.

import { setTimeout as pause } from 'node:timers/promises';
import type { SqlSession } from '../source/sql.ts';
import type { Difference, Kind } from './differences.ts';
import { type Expected, readExpected } from './expected.ts';
import type { Judge, Party, Verdict } from './parties.ts';

/**
 * Within this every process that is well has applied what was committed before. One that is asked sooner reads the
 * source for the answer, and what it holds itself is not seen.
 */
export const HEARD_WITHIN_MS = 600;

/** Looks after the first. */
const AGAIN_MAX = 3;

export interface Settled {
  readonly differences: readonly Difference[];
  /** Of whom Redis has nothing. */
  readonly missing: number;
  /** Who changed each time between the two reads: nothing can be said of them. */
  readonly restless: number;
}

/** People of whom something else was seen than the source said, each with what was seen. */
export interface Open {
  readonly before: readonly Expected[];
  readonly judges: readonly Judge[];
}

/** A first look, at what the source has said. */
export async function lookOnce(
  party: Party,
  page: readonly Expected[],
): Promise<{ readonly settled: Settled; readonly open: Open }> {
  const judges = await party.look(page, false);
  const settled = new Sorted();
  const open = new Doubtful();
  for (const [i, one] of page.entries()) {
    const judge = judges[i] as Judge;
    const verdict = judge(one);
    if (verdict === undefined) continue;
    if (isSure(verdict, false)) settled.add(verdict);
    else open.add(one, judge);
  }
  return { settled, open };
}

/** Looks again, up to three times, until it is certain who differs. */
export async function settle(session: SqlSession, party: Party, first: Open): Promise<Settled> {
  const settled = new Sorted();
  let open = first;
  for (let again = 0; open.before.length > 0; again++) {
    const subjects = open.before.map(({ subject }) => subject);
    const after = await readExpected(session, subjects);
    const next: Expected[] = [];
    for (const [i, one] of open.before.entries()) {
      const judge = open.judges[i] as Judge;
      const later = after[i] as Expected;
      const verdict = judge(one);
      if (verdict === undefined || judge(later) === undefined) continue;
      const isStill = truthOf(one) === truthOf(later);
      if (isSure(verdict, isStill)) settled.add(verdict);
      else if (!isStill && isBetween(one, verdict, later)) continue;
      else if (again < AGAIN_MAX) next.push(later);
      else if (isStill) settled.add(verdict);
      else settled.restless += 1;
    }
    if (next.length === 0) break;
    await pause(HEARD_WITHIN_MS);
    open = { before: next, judges: await party.look(next, true) };
  }
  return settled;
}

type Seen = Exclude<Verdict, undefined>;

/** What may yet change though nobody changes the person: "not now". */
const PATIENCE = new Set<Kind>(['process-unavailable', 'redis-unavailable', 'redis-other-epoch']);

function isSure(seen: Seen, isStill: boolean): boolean {
  if (seen === 'missing' || seen.proven) return true;
  return isStill && seen.current && !PATIENCE.has(seen.kind);
}

/** A version that came after the first read and was gone at the second. */
function isBetween(before: Expected, seen: Seen, after: Expected): boolean {
  if (seen === 'missing' || seen.version === undefined) return false;
  const [least, most] = [before.person?.version ?? 0, after.person?.version ?? Infinity];
  return least < seen.version && seen.version < most;
}

const truthOf = ({ person, effective, floorVersions }: Expected) =>
  JSON.stringify([person, effective, floorVersions]);

class Sorted implements Settled {
  readonly differences: Difference[] = [];
  missing = 0;
  restless = 0;

  add(seen: Seen): void {
    if (seen === 'missing') this.missing += 1;
    else this.differences.push(seen);
  }
}

class Doubtful implements Open {
  readonly before: Expected[] = [];
  readonly judges: Judge[] = [];

  add(expected: Expected, judge: Judge): void {
    this.before.push(expected);
    this.judges.push(judge);
  }
}
