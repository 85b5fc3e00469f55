// The surge as a program: a run, its report, its exit code. surge.mjs has checked the words.

import { join } from 'node:path';
import { endAllKept } from '../../test/keeper.ts';
import { compare } from '../report/compare.ts';
import { pageOf } from '../report/page.ts';
import type { Result } from '../report/result.ts';
import { lastResult, storeResult } from '../report/store.ts';
import { pressed } from '../rig/pressed.ts';
import { ROOT } from '../rig/root.ts';
import { BROKEN } from './broken.ts';
import { PLANS, type PlanWords, planOf, SCALES } from './plan.ts';
import { checkQuota } from './quota.ts';
import { rounded } from './rounded.ts';
import { ALL_SCENARIOS, BROKEN_ON_PURPOSE, runSurge, SERVICE_CORES_SETTING } from './run.ts';
import { SERVICE_CORES } from './share-of-core.ts';

export interface SurgeWords extends PlanWords {
  readonly broken: string | undefined;
  readonly json: boolean;
  /** Where reports are kept. */
  readonly out: string | undefined;
  readonly k6: { readonly path: string; readonly version: string };
}

/** They give the services less CPU, whatever they are told. */
const ON_A_SHARE = Object.entries(PLANS).flatMap(([name, plan]) =>
  'findsRate' in plan ? [name] : [],
);
/** Settings without which runs do not compare. */
const ALIKE = [BROKEN_ON_PURPOSE, SERVICE_CORES_SETTING];

export const names = {
  scenarios: Object.keys(PLANS),
  scales: SCALES as readonly string[],
  broken: BROKEN.map(({ name }) => name),
  onAShare: ON_A_SHARE,
};

export function list(): string {
  const row = (name: string, text: string) => `  ${name.padEnd(16)} ${text}\n`;
  const scenarios = Object.entries(ALL_SCENARIOS).map(([name, { question }]) =>
    row(name, question),
  );
  const broken = BROKEN.map(({ name, meaning }) => row(name, meaning));
  return `Scenarios\n${scenarios.join('')}\nTo be broken on purpose (--break)\n${broken.join('')}`;
}

/** @returns exit code: 0 every budget held; 1 some did not; 2 it could not be run; 130 it was ended */
export async function main(words: SurgeWords): Promise<number> {
  const ending = new AbortController();
  const begun = performance.now();
  const end = pressed(
    () => {
      say('Ending all … (again: at once)');
      ending.abort(new Error('ended before its time'));
    },
    () => void endAllKept().then(() => process.exit(130)),
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const say = (line: string) => {
    const seconds = Math.round((performance.now() - begun) / 1_000);
    process.stderr.write(`[${String(seconds).padStart(4)} s] ${line}\n`);
  };
  const plan = planOf(words);
  const isOnAShare = ON_A_SHARE.includes(plan.scenario);
  const serviceCores = words.serviceCores ?? (isOnAShare ? SERVICE_CORES : undefined);
  const { k6, signal } = { ...words, signal: ending.signal };
  const broken = BROKEN.find(({ name }) => name === words.broken);
  try {
    if (serviceCores !== undefined) checkQuota(serviceCores, plan.services);
    const result = await runSurge({ plan, k6, broken, serviceCores, say, signal });
    const dir = words.out ?? join(ROOT, 'test-output/surge');
    const before = await lastResult(dir, plan.scenario, plan.scale, ({ settings }) =>
      ALIKE.every((name) => settings[name] === result.settings[name]),
    );
    const stored = await storeResult(dir, result, pageOf(result, before));
    process.stdout.write(words.json ? `${JSON.stringify(result)}\n` : textOf(result, before));
    say(`report: ${stored.html}`);
    return result.ok ? 0 : 1;
  } catch (error) {
    say((error as Error).message);
    return ending.signal.aborted ? 130 : 2;
  } finally {
    await endAllKept();
  }
}

function textOf(result: Result, before: Result | undefined): string {
  const { scenario, scale, budgets, figures, ok } = result;
  const width = Math.max(...budgets.map(({ name }) => name.length));
  const verdicts = budgets.map(({ name, asked, found, ok: holds, meaning }) => {
    const line = `  ${holds ? 'held  ' : 'BROKEN'} ${name.padEnd(width)}  ${found} (${asked})\n`;
    return holds ? line : `${line}         ${meaning}\n`;
  });
  const told = figures.map(
    ({ name, value, unit }) => `  ${name.padEnd(44)} ${rounded(value)} ${unit}\n`,
  );
  const { differences = [] } = (before && compare(result, before)) ?? {};
  const changes = differences.filter(({ verdict }) => verdict === 'worse').map(({ name }) => name);
  return [
    `\n${scenario}, ${scale}: ${ok ? 'every budget held' : 'NOT every budget held'}\n\n`,
    ...verdicts,
    '\n',
    ...told,
    ...(changes.length > 0 ? [`\n  worse than the run before: ${changes.join(', ')}\n`] : []),
    '\n',
  ].join('');
}
