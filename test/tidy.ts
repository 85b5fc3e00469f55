// What lookup/tidy.test.ts asks of the files, as pure functions: files as path -> text in, complaints out.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Path from the root of the checkout -> text. */
export type Files = ReadonlyMap<string, string>;

/** `own`: files of this row may import each other when they lie in one folder. `never`: whatever its rank. */
export interface Rank {
  readonly rank: number;
  readonly files: RegExp;
  readonly own?: boolean;
  readonly never?: RegExp;
}

export function readFiles(root: string, folders: readonly string[], skip: RegExp): Files {
  const files = new Map<string, string>();
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (skip.test(path) || entry.name === 'node_modules') continue;
      if (entry.isDirectory()) walk(path);
      else files.set(path, readFileSync(join(root, path), 'utf8'));
    }
  };
  for (const folder of folders) walk(folder);
  return files;
}

export const isTest = (path: string) => /\.(test|contract)\.ts$|^test\//.test(path);
export const isScript = (path: string) => /\.(ts|mjs|js)$/.test(path) && !path.endsWith('.d.ts');

// A word in quotes is none: 'import' is a command here.
const IMPORT =
  /(?<!['"`])(?:\bfrom|\bimport|\bimport\(|\brequire\(|\.resolve\()\s*['"]([^'"\n]+)['"]/g;

const codeOf = (text: string) => text.replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');

function importsOf(text: string): string[] {
  return [...codeOf(text).matchAll(IMPORT)].map((match) => match[1] as string);
}

/** Paths of ours that a file imports. */
function ownImports(path: string, text: string): string[] {
  return importsOf(text)
    .filter((name) => name.startsWith('.'))
    .map((name) => posix.join(posix.dirname(path), name));
}

export function brokenRanks(files: Files, ranks: readonly Rank[]): string[] {
  const rankOf = (path: string) => ranks.find((row) => row.files.test(path.replace('lookup/', '')));
  const complaints: string[] = [];
  for (const [path, text] of files) {
    if (!path.startsWith('lookup/') || !path.endsWith('.ts') || isTest(path)) continue;
    if (path.endsWith('.d.ts')) continue;
    const row = rankOf(path);
    if (!row) {
      complaints.push(`${path} has no rank: add it to the table`);
      continue;
    }
    for (const target of ownImports(path, text)) {
      if (target.startsWith('proto/')) continue;
      if (!target.startsWith('lookup/') || isTest(target)) {
        complaints.push(`${path} imports ${target}, which is not part of what is delivered`);
        continue;
      }
      const below = rankOf(target);
      const family = row.own && below === row && posix.dirname(path) === posix.dirname(target);
      if (row.never?.test(target.replace('lookup/', '')))
        complaints.push(`${path} must never import ${target}`);
      else if (!family && !((below?.rank ?? 99) < row.rank))
        complaints.push(`${path} (rank ${row.rank}) imports ${target} (rank ${below?.rank})`);
    }
  }
  return complaints;
}

/** What sees the program from outside imports nothing of it, not by way of another file either. */
export function insiders(files: Files, outside: RegExp): string[] {
  const complaints: string[] = [];
  const visit = (from: string, path: string, seen: Set<string>) => {
    for (const target of ownImports(path, files.get(path) ?? '')) {
      if (seen.has(target)) continue;
      seen.add(target);
      if (target.startsWith('lookup/')) complaints.push(`${from} imports ${target}, in ${path}`);
      else visit(from, target, seen);
    }
  };
  for (const path of files.keys()) if (outside.test(path)) visit(path, path, new Set());
  return complaints;
}

/** @param homes library -> the files that may use it, below lookup/ */
export function strayLibraries(files: Files, homes: Readonly<Record<string, RegExp>>): string[] {
  const complaints: string[] = [];
  for (const [path, text] of files) {
    if (!path.startsWith('lookup/') || !isScript(path) || isTest(path)) continue;
    const used = new Set(
      importsOf(text)
        .filter((name) => !/^(\.|\/|node:)/.test(name))
        .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] as string),
    );
    // These are loaded by the path of their binary.
    for (const [, name] of codeOf(text).matchAll(/['"`](uws-[a-z0-9]+)\b/g))
      used.add(name as string);
    for (const name of used) {
      const home = homes[name];
      if (!home) complaints.push(`${path} uses ${name}, which has no home in the table`);
      else if (!home.test(path.replace('lookup/', '')))
        complaints.push(`${path} uses ${name}: only ${home.source} may`);
    }
  }
  return complaints;
}

/** Files that nobody can reach: code from the roots and the tests, anything else by its name in some other file. */
export function deadFiles(files: Files, roots: RegExp): string[] {
  const reached = new Set<string>();
  const visit = (path: string) => {
    const text = files.get(path);
    if (text === undefined || reached.has(path)) return;
    reached.add(path);
    for (const target of ownImports(path, text)) visit(target);
    // A script that is started as a process of its own, by its name as built or as written.
    for (const [, name] of codeOf(text).matchAll(/['"`](?:\.\/)?([\w./-]+)\.[jt]s['"`]/g))
      visit(posix.join(posix.dirname(path), `${name}.ts`));
  };
  for (const path of files.keys()) if (roots.test(path)) visit(path);
  return [...files.keys()].filter((path) => {
    if (!path.startsWith('lookup/') || reached.has(path) || path.endsWith('.d.ts')) return false;
    if (path.endsWith('.ts')) return true;
    const name = posix.basename(path);
    return ![...files].some(([other, text]) => other !== path && text.includes(name));
  });
}

const WORD = new RegExp(`${'colo'}${'ur'}`, 'i');
const LEFT = new RegExp(`\\b(${'TO'}${'DO'}|${'FIX'}${'ME'}|${'XX'}${'X'})\\b(?!\\s*[:(].{12,})`);
const ONLY = /\b(test|it|describe|bench|suite)(\.\w+)*\.only\b/;
const SKIP = /\b(test|it|describe|suite)(\.\w+)*\.(skip|skipIf|runIf|todo|fails)\b/;

/** Leftovers and long lines; a skipped test says why in a comment on its line or the one before. */
export function leftovers(files: Files, lineMax: number): string[] {
  const complaints: string[] = [];
  for (const [path, text] of files) {
    text.split('\n').forEach((line, i, lines) => {
      const say = (what: string) => complaints.push(`${path}:${i + 1} ${what}`);
      if (line.length > lineMax && !path.endsWith('.svg')) say(`is ${line.length} wide`);
      if (WORD.test(line)) say('is spelled color here');
      if (LEFT.test(line)) say('leaves something to do, without a reason');
      if (!isTest(path)) return;
      if (ONLY.test(line)) say('runs one test only');
      if (SKIP.test(line) && !/\/\/ .{8,}/.test(`${lines[i - 1] ?? ''} ${line}`))
        say('skips a test without a reason');
    });
  }
  return complaints;
}
