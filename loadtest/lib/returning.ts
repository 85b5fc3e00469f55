// People who come back after an error, as people do: up to three times, each after 1 to 5 s. No virtual user waits for
// them: each remembers whom it owes, and asks for them when it next has an arrival to see to.

import { figures } from './figures.ts';

export interface Owed {
  readonly index: number;
  readonly isFirst: boolean;
  /** How often they have come back already. */
  readonly returns: number;
}

const RETURNS_MAX = 3;
const [WAIT_LEAST_MS, WAIT_MOST_MS] = [1_000, 5_000];
/** Of one virtual user. More than these are counted and forgotten, and a run that forgot some fails. */
const OWED_MAX = 2_000;
/** At one arrival. */
const AT_ONCE = 8;

const owed: { who: Owed; atMs: number }[] = [];

export function comeBack(who: Owed): void {
  if (who.returns === RETURNS_MAX) return figures.gaveUp.add(1);
  if (owed.length === OWED_MAX) return figures.retriesForgotten.add(1);
  const waitMs = WAIT_LEAST_MS + Math.random() * (WAIT_MOST_MS - WAIT_LEAST_MS);
  owed.push({ who: { ...who, returns: who.returns + 1 }, atMs: Date.now() + waitMs });
}

/** Whether this virtual user owes anybody anything. */
export const owesSomebody = (): boolean => owed.length > 0;

/** Takes out those whose time has come. */
export function whoIsBack(): Owed[] {
  const now = Date.now();
  const back: Owed[] = [];
  for (let i = owed.length - 1; i >= 0 && back.length < AT_ONCE; i--) {
    const { who, atMs } = owed[i] as (typeof owed)[number];
    if (atMs > now) continue;
    owed.splice(i, 1);
    back.push(who);
  }
  return back;
}
