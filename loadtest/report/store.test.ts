import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Result } from './result.ts';
import { sampleResult } from './sample.ts';
import { lastResult, storeResult } from './store.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'report-store-'));
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

const startedAt = (day: number) => new Date(Date.UTC(2026, 0, day, 7, 5, 9)).toISOString();
const run = (day: number, more = {}) =>
  sampleResult({ startedAt: startedAt(day), plots: [], ...more });
const last = async () => (await lastResult(dir, 'morning-surge', 'full'))?.startedAt;

test('a run is stored as data and as a page, named by what it is and when it began', async () => {
  const folder = join(dir, 'not', 'yet');
  const stored = await storeResult(folder, run(5), '<p>');
  expect(stored.json).toBe(join(folder, 'morning-surge-full-20260105-070509.json'));
  expect(stored.html).toBe(join(folder, 'morning-surge-full-20260105-070509.html'));
  expect(JSON.parse(await readFile(stored.json, 'utf8'))).toEqual(run(5));
  expect(await readFile(stored.html, 'utf8')).toBe('<p>');
});

test('the last run is the newest of its scenario and scale, in whatever order they came', async () => {
  for (const day of [3, 9, 4]) await storeResult(dir, run(day), '');
  await storeResult(dir, run(11, { scale: 'short' }), '');
  await storeResult(dir, run(12, { scenario: 'soak' }), '');
  await storeResult(dir, run(13, { scale: 'full-twice' }), '');
  expect(await last()).toBe(startedAt(9));
});

test('what is not alike is no run before, however new', async () => {
  for (const day of [3, 9]) await storeResult(dir, run(day), '');
  await storeResult(dir, run(11, { settings: { 'broken on purpose': 'no-memory' } }), '');
  const isAlike = ({ settings }: Result) => settings['broken on purpose'] === undefined;
  const before = await lastResult(dir, 'morning-surge', 'full', isAlike);
  expect(before?.startedAt).toBe(startedAt(9));
});

test('where nothing was stored yet, there is no last run', async () => {
  expect(await last()).toBeUndefined();
  expect(await lastResult(join(dir, 'nowhere'), 'soak', 'full')).toBeUndefined();
});

test('files that cannot be read, or are of another format, are passed over', async () => {
  await storeResult(dir, run(2), '');
  const file = (day: string) => join(dir, `morning-surge-full-202601${day}-000000.json`);
  await writeFile(file('10'), '{"format": 1, "scen');
  await writeFile(file('11'), JSON.stringify({ ...run(11), format: 2 }));
  await writeFile(file('12'), JSON.stringify({ ...run(12), figures: undefined }));
  await writeFile(file('13'), 'null');
  await writeFile(join(dir, 'morning-surge-full-20260114-000000.html'), 'a page without data');
  expect(await last()).toBe(startedAt(2));
});

test('the newest twenty of each scenario and scale stay, and nothing else is touched', async () => {
  await writeFile(join(dir, 'morning-surge-full-notes.txt'), '');
  await storeResult(dir, run(1, { scale: 'short' }), '');
  for (let day = 1; day <= 22; day++) await storeResult(dir, run(day), '');
  const names = await readdir(dir);
  expect(names.filter((name) => name.includes('-full-2026'))).toHaveLength(40);
  expect(names).not.toContain('morning-surge-full-20260102-070509.html');
  expect(names).toContain('morning-surge-full-20260103-070509.html');
  expect(names).toContain('morning-surge-full-notes.txt');
  expect(names).toContain('morning-surge-short-20260101-070509.json');
});

test('a name that would lead elsewhere is refused', async () => {
  await expect(storeResult(dir, run(1, { scenario: '../up' }), '')).rejects.toThrow('../up');
  await expect(lastResult(dir, 'soak', 'a/b')).rejects.toThrow('a/b');
});
