// The verdicts of a run: those of the script, and those that only the runner can give.

import type { Metric } from '../lib/summary-data.ts';
import type { Budget } from '../report/result.ts';
import { rounded } from './rounded.ts';
import { MEANINGS } from './words.ts';

/** @param name of {@link MEANINGS}, a part of it in braces aside */
export function budget(name: string, asked: string, found: string, ok: boolean): Budget {
  const meaning = MEANINGS[name.replace(/\{.*/, '')];
  if (meaning === undefined) throw new Error(`no word about the budget ${name}`);
  return { name, asked, found, ok, meaning };
}

export const atMost = (name: string, most: number, found: number, unit = ''): Budget => {
  const told = Number.isNaN(found) ? 'not measured' : `${rounded(found)}${unit}`;
  return budget(name, `at most ${most}${unit}`, told, found <= most);
};

export const atLeast = (name: string, least: number, found: number, unit = ''): Budget =>
  budget(name, `at least ${least}${unit}`, `${rounded(found)}${unit}`, found >= least);

/** @param share of what was measured, either way */
export const within = (
  name: string,
  share: number,
  predicted: number,
  measured: number,
  unit: string,
): Budget =>
  budget(
    name,
    `within ${share * 100} % of ${rounded(measured)}${unit}`,
    `${rounded(predicted)}${unit}`,
    Math.abs(predicted / measured - 1) <= share,
  );

/** Each threshold of the script, in words. */
export function budgetsOf(metrics: Readonly<Record<string, Metric>>): Budget[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {}, values }]) =>
    Object.entries(thresholds).map(([expression, { ok }]) => {
      const [, key = '', relation = '', limit = ''] =
        /^(\w+|p\([\d.]+\))\s*(==|<=|>=|<|>)\s*([\d.]+)$/.exec(expression) ?? [];
      const isShare = key === 'rate';
      const inWords = (value: number) => (isShare ? `${rounded(value * 100)} %` : rounded(value));
      const asked = relation ? `${RELATIONS[relation]} ${inWords(Number(limit))}` : expression;
      return budget(name, asked, inWords(values[key] ?? 0), ok);
    }),
  );
}

const RELATIONS: Readonly<Record<string, string>> = {
  '==': 'exactly',
  '<=': 'at most',
  '<': 'less than',
  '>=': 'at least',
  '>': 'more than',
};
