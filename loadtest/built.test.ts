// In a folder of its own, with a build that only says that it was called: the real one is under the other tests.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNode } from '../test/process.ts';
import { ROOT } from './rig/root.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lookup-built-'));
  for (const file of ['loadtest/built.mjs', 'lookup/build.mjs', 'test/began-at.mjs'])
    cpSync(join(ROOT, file), join(home, file));
  mkdirSync(join(home, 'proto'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const NAME = 'dist/rig/loadtest/a.js';
const STAMP = 'dist/built';

function write(file: string, text = ''): void {
  mkdirSync(dirname(join(home, file)), { recursive: true });
  writeFileSync(join(home, file), text);
}

/** Seconds after it was built. */
function touch(file: string, seconds: number): void {
  write(file);
  const at = statSync(join(home, STAMP)).mtimeMs / 1_000 + seconds;
  utimesSync(join(home, file), at, at);
}

async function run(script: string) {
  const program = await startNode(['--input-type=module', '-e', script], {}, home);
  const { code } = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

const ask = () =>
  run(`const { builtModule, WHOLE } = await import('./loadtest/built.mjs');
       console.log((await builtModule('a', WHOLE)).a)`);

test('it is built when it is not there, or something that it is made of is newer', async () => {
  const building = `import { mkdirSync, writeFileSync } from 'node:fs';
    mkdirSync('dist/rig/loadtest', { recursive: true });
    writeFileSync('${NAME}', 'export const a = "built"');
    writeFileSync('${STAMP}', '');`;
  write('lookup/build.mjs', building);
  write('package.json', '{"type":"module"}');
  expect((await ask()).stdout).toBe('built\n');
  const lies = 'export const a = "as it was"';
  write(NAME, lies);
  const later = Date.now() / 1_000 + 100;
  utimesSync(join(home, STAMP), later, later);
  expect((await ask()).stdout).toBe('as it was\n');
  for (const file of ['lookup/edge/a.test.ts', 'lookup/README.md']) touch(file, 5);
  expect((await ask()).stdout).toBe('as it was\n');
  for (const file of ['lookup/edge/a.ts', 'proto/v1/a.proto', 'lookup/source/1.sql']) {
    write(NAME, lies);
    utimesSync(join(home, STAMP), later, later);
    touch(file, 5);
    expect([file, (await ask()).stdout]).toEqual([file, 'built\n']);
    touch(file, -5);
  }
});

test('what was built in part was not built', async () => {
  write('package.json', '{"type":"module"}');
  write('lookup/build.mjs', 'process.exit(1)');
  write(NAME, 'export const a = "a part"');
  expect((await ask()).code).toBe(1);
});

test('a number that another process has by now holds nothing', async () => {
  write('proto/lookup/v1/lookup.proto');
  write('proto/lookup/v1/lookup.d.ts');
  write(`dist/in-use/${process.pid}`, 'another time');
  expect((await run(`await import('./lookup/build.mjs')`)).stderr).toMatch(/tsc ENOENT/);
});

test('nothing is built while a program that was built starts more', async () => {
  write('proto/lookup/v1/lookup.proto');
  write('proto/lookup/v1/lookup.d.ts');
  write(NAME, 'as it was');
  const hold = `const { holdBuilt } = await import('./loadtest/built.mjs');
    holdBuilt();
    console.log('held');
    setInterval(() => {}, 1_000)`;
  const holding = await startNode(['--input-type=module', '-e', hold], {}, home);
  await holding.line(/^held$/);
  const build = () => run(`await import('./lookup/build.mjs')`);
  const refused = await build();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`Process ${holding.pid} still starts programs from dist/`);
  expect(readdirSync(join(home, 'dist/rig/loadtest'))).toEqual(['a.js']);

  await holding.stop('SIGKILL');
  // Past the guard: there is no compiler here.
  expect((await build()).stderr).toMatch(/tsc ENOENT/);
  expect(readdirSync(home)).not.toContain('dist');
});
