// Where results live: a file of data and a page for each run, named so that they sort by time. The newest KEPT of each
// scenario and scale stay.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from './result.ts';

const KEPT = 20;
/** What follows the scenario and the scale: the rest of a longer name belongs to another scale. */
const WHEN = /^(\d{8}-\d{6})\.(json|html)$/;

export interface Stored {
  readonly json: string;
  readonly html: string;
}

/**
 * Writes both, and removes what is older than the newest twenty.
 * @throws when the scenario or the scale cannot be part of a file's name
 */
export async function storeResult(dir: string, result: Result, page: string): Promise<Stored> {
  const base = join(dir, prefixOf(result.scenario, result.scale) + stampOf(result.startedAt));
  const stored = { json: `${base}.json`, html: `${base}.html` };
  await mkdir(dir, { recursive: true });
  await writeFile(stored.json, `${JSON.stringify(result, null, 1)}\n`);
  await writeFile(stored.html, page);
  await removeOld(dir, prefixOf(result.scenario, result.scale));
  return stored;
}

/**
 * The newest that can be read; undefined when there is none.
 * @param isAlike others are passed over
 */
export async function lastResult(
  dir: string,
  scenario: string,
  scale: string,
  isAlike: (result: Result) => boolean = () => true,
): Promise<Result | undefined> {
  const prefix = prefixOf(scenario, scale);
  for (const stamp of await stampsIn(dir, prefix)) {
    const result = await readResult(join(dir, `${prefix}${stamp}.json`));
    if (result?.scenario === scenario && result.scale === scale && isAlike(result)) return result;
  }
  return undefined;
}

function prefixOf(scenario: string, scale: string): string {
  const prefix = `${scenario}-${scale}-`;
  if (!/^[\w.-]+$/.test(prefix)) throw new Error(`${prefix} cannot begin a file's name`);
  return prefix;
}

/** `20261127-204512`, UTC. */
const stampOf = (iso: string) =>
  new Date(iso).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');

/** Newest first, each once. */
async function stampsIn(dir: string, prefix: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const stamps = names
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => WHEN.exec(name.slice(prefix.length))?.[1] ?? []);
  return [...new Set(stamps)].sort().reverse();
}

/** A file that was cut off, of another format or not there is no result; neither is it a reason to stop. */
async function readResult(path: string): Promise<Result | undefined> {
  try {
    const result = JSON.parse(await readFile(path, 'utf8'));
    const { figures, budgets, settings, machine } = result;
    const whole = Array.isArray(figures) && Array.isArray(budgets) && settings && machine;
    return result.format === 1 && whole ? result : undefined;
  } catch {
    return undefined;
  }
}

async function removeOld(dir: string, prefix: string): Promise<void> {
  for (const stamp of (await stampsIn(dir, prefix)).slice(KEPT))
    for (const ending of ['json', 'html'])
      await rm(join(dir, `${prefix}${stamp}.${ending}`), { force: true });
}
