// The rig as a program, as npm run dev:cluster runs it once it is built.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { type Built, ROOT, startNode } from '../../test/process.ts';
import { runs } from '../../test/runs.ts';
import { until } from '../../test/wait.ts';

const SMALL = { services: 1, relays: 0, masters: 1, replicas: 0, people: 10 };

function start(options: object = {}): Promise<Built> {
  const script = JSON.stringify(join(ROOT, 'dist/rig/loadtest/rig/main.js'));
  const given = JSON.stringify({ ...SMALL, ...options });
  return startNode(['-e', `import(${script}).then(({ main }) => main(${given}))`]);
}

/** What it has started, as it tells: process ids, and the folder of its keys. */
async function whatRuns(program: Built) {
  await program.line(/^Ctrl-C ends all/, 60_000);
  const pids = [...program.stdout().matchAll(/ pid (\d+)/g)].map(([, pid]) => Number(pid));
  const folder = /LOOKUP_ISSUERS_FILE='(.*)\/issuers.json'/.exec(program.stdout())?.[1] ?? '';
  expect([pids.length, pids.every(runs), existsSync(folder)]).toEqual([2, true, true]);
  return { pids, folder };
}

test('Ctrl-C ends all, with exit code 0', async () => {
  const program = await start();
  const { pids, folder } = await whatRuns(program);
  expect(program.stdout()).toMatch(/^service-1 .*"listening"/m);
  expect(await program.stop('SIGINT')).toBe(0);
  expect([pids.some(runs), existsSync(folder)]).toEqual([false, false]);
}, 90_000);

test('Ctrl-C while it starts ends all as well', async () => {
  const program = await start({ people: 1_000_000 });
  await program.line(/50000 of 1000000 people made/, 60_000);
  expect(await program.stop('SIGINT')).toBe(0);
  expect(program.stdout()).not.toContain('could not be started');
}, 90_000);

test('nothing outlives it when it is killed', async () => {
  const program = await start();
  const { pids, folder } = await whatRuns(program);
  program.kill('SIGKILL');
  const none = () => !pids.some(runs) && !existsSync(folder);
  await until(none, { what: 'nothing is left', timeoutMs: 15_000 });
}, 90_000);

test('a port that is taken ends it with exit code 1, and says which', async () => {
  const { port } = inject('postgres');
  const program = await start({ 'first-port': port });
  expect((await program.ended).code).toBe(1);
  expect(program.stdout()).toContain(`could not be started: port ${port} of 127.0.0.1 is in use`);
}, 30_000);
