// A run beside the one before it. Two runs of the same thing differ by some percent by themselves: less than NOISE is
// no difference.

import type { Figure, Result } from './result.ts';
import { shown } from './shown.ts';

/** Of the value before. */
const NOISE = 0.1;

export interface Comparison {
  readonly before: Pick<Result, 'startedAt' | 'commit' | 'changed'>;
  readonly differences: readonly Difference[];
  /** Names of budgets. */
  readonly brokenNow: readonly string[];
  readonly heldAgain: readonly string[];
  /** Settings and parts of the machine that were others: then the figures compare little. */
  readonly conditions: readonly Condition[];
}

export interface Difference extends Pick<Figure, 'name' | 'unit'> {
  readonly now: number;
  /** none: the run before had no such figure. */
  readonly before?: number;
  /** none: from zero, or from nothing. */
  readonly percent?: number;
  /** `same`: within the noise. `other`: neither way is better. */
  readonly verdict: 'better' | 'worse' | 'same' | 'other' | 'new';
}

export interface Condition {
  readonly name: string;
  readonly now: string;
  readonly before: string;
}

/** @returns undefined: another scenario or another scale, which compares to nothing */
export function compare(now: Result, before: Result): Comparison | undefined {
  if (now.scenario !== before.scenario || now.scale !== before.scale) return undefined;
  const { startedAt, commit, changed } = before;
  const figures = new Map(before.figures.map(({ name, value }) => [name, value]));
  return {
    before: { startedAt, commit, changed },
    differences: now.figures.map((figure) => differenceOf(figure, figures.get(figure.name))),
    brokenNow: namesOf(now, false, namesOf(before, true)),
    heldAgain: namesOf(now, true, namesOf(before, false)),
    conditions: [
      ...conditionsOf(now.settings, before.settings),
      ...conditionsOf(now.machine, before.machine),
    ],
  };
}

function differenceOf({ name, unit, value, better }: Figure, before?: number): Difference {
  const told = { name, unit, now: value };
  if (before === undefined) return { ...told, verdict: 'new' };
  const change = value - before;
  const both = {
    ...told,
    before,
    ...(before !== 0 && { percent: (change / Math.abs(before)) * 100 }),
  };
  // By how much of zero is anything? But a first error is more than noise.
  if (Math.abs(change) <= NOISE * Math.abs(before)) return { ...both, verdict: 'same' };
  if (better === undefined) return { ...both, verdict: 'other' };
  return { ...both, verdict: change > 0 === (better === 'more') ? 'better' : 'worse' };
}

const namesOf = ({ budgets }: Result, ok: boolean, among?: readonly string[]) =>
  budgets
    .filter((budget) => budget.ok === ok && (among?.includes(budget.name) ?? true))
    .map(({ name }) => name);

type Named = Readonly<Record<string, string | number>>;

function conditionsOf(now: Named, before: Named): Condition[] {
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  const told = (value: string | number = 'none') =>
    typeof value === 'number' ? shown(value) : value;
  return [...names]
    .map((name) => ({ name, now: told(now[name]), before: told(before[name]) }))
    .filter((condition) => condition.now !== condition.before);
}
