// The command's words, and one small run of all of it with something broken.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startNode } from '../../test/process.ts';
import type { Result } from '../report/result.ts';
import { ROOT } from '../rig/root.ts';

const out = mkdtempSync(join(tmpdir(), 'lookup-surge-'));
afterAll(() => rmSync(out, { recursive: true, force: true }));

const given = {
  ...{ scenario: 'smoke', scale: 'ci', people: 2_000, rate: 40, seconds: 8 },
  ...{ services: 2, serviceCores: undefined, json: true, out },
};

/** As surge.mjs calls it: what it builds is there already. */
function run(more: object) {
  const script = JSON.stringify(join(ROOT, 'dist/rig/loadtest/surge/main.js'));
  const tools = JSON.stringify(join(ROOT, 'loadtest/tools.mjs'));
  const words = JSON.stringify({ ...given, ...more });
  return startNode([
    '--input-type=module',
    '-e',
    `import { main } from ${script}; import { findK6 } from ${tools};
     process.exitCode = await main({ ...${words}, k6: findK6() });`,
  ]);
}

test('lies that are planted in Redis past all checks are found, and told in the report', async () => {
  const surge = await run({ broken: 'another-person' });
  expect((await surge.ended).code).toBe(1);
  const result = JSON.parse(surge.stdout()) as Result;
  expect(result.ok).toBe(false);
  expect(result.budgets.filter(({ ok }) => !ok).map(({ name }) => name)).toContain('wrong');
  expect(result.budgets.find(({ name }) => name === 'source_queries_per_s')?.ok).toBe(true);
  const files = readdirSync(out);
  expect(files.map((name) => name.replace(/.*\./, '')).sort()).toEqual(['html', 'json']);
  const page = readFileSync(join(out, files.find((name) => name.endsWith('html')) ?? ''), 'utf8');
  expect(page).toContain('another color or photo than theirs');
}, 120_000);
