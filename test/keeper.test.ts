import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { dropFolder, heldFolder, keep } from './keeper.ts';
import { ROOT, startNode } from './process.ts';
import { runs } from './runs.ts';
import { until } from './wait.ts';

const begun: number[] = [];
afterEach(() => {
  for (const pid of begun.splice(0)) if (runs(pid)) process.kill(pid, 'SIGKILL');
});

/** A runner that starts a keeper with these orders, prints what it says, and never ends by itself. */
async function runnerWith(orders: object[]): Promise<{ pid: number; pids: number[] }> {
  const script = `
    const keeper = require('node:child_process').spawn(process.execPath, [process.argv[1]], {
      detached: true, stdio: ['pipe', 'inherit', 'inherit'] });
    for (const order of JSON.parse(process.argv[2])) keeper.stdin.write(JSON.stringify(order) + '\\n');
    setInterval(() => {}, 1e6);`;
  const args = ['-e', script, join(ROOT, 'test/keeper.mjs'), JSON.stringify(orders)];
  const runner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids: number[] = [];
  createInterface({ input: runner.stdout }).on('line', (line) => {
    const { event, pid } = JSON.parse(line);
    if (event === 'started') pids.push(pid);
  });
  begun.push(runner.pid as number);
  const wanted = orders.filter((order) => 'command' in order).length;
  await until(() => pids.length === wanted, { what: 'all are started' });
  begun.push(...pids);
  return { pid: runner.pid as number, pids };
}

test('a runner that is killed leaves no process and no folder', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lookup-test-'));
  writeFileSync(join(dir, 'file'), '');
  const stubborn = { command: 'sh', args: ['-c', 'trap "" QUIT; while :; do sleep 0.1; done'] };
  const { pid, pids } = await runnerWith([
    { op: 'hold', dir },
    { op: 'start', id: 1, command: 'sleep', args: ['1000'] },
    { op: 'start', id: 2, endBy: 'SIGTERM', command: 'sleep', args: ['1000'] },
    { op: 'start', id: 3, endBy: 'SIGQUIT', ...stubborn },
  ]);
  expect(pids.every(runs)).toBe(true);
  process.kill(pid, 'SIGKILL');
  await until(() => !pids.some(runs) && !existsSync(dir), {
    what: 'nothing is left',
    timeoutMs: 10_000,
  });
});

test('one that is paused is ended as well', async () => {
  const { pid, pids } = await runnerWith([
    { op: 'start', id: 1, endBy: 'SIGTERM', command: 'sleep', args: ['1000'] },
  ]);
  process.kill(pids[0] as number, 'SIGSTOP');
  process.kill(pid, 'SIGKILL');
  await until(() => !pids.some(runs), { what: 'nothing is left', timeoutMs: 2_500 });
});

test('tells how a process ended, and what it printed', async () => {
  let printed = '';
  const kept = await keep({
    command: 'sh',
    args: ['-c', 'echo one; echo two >&2; exit 7'],
    onOutput: (stream, text) => {
      printed += `${stream}:${text}`;
    },
  });
  expect(await kept.ended).toEqual({ code: 7, signal: null });
  expect(printed).toContain('stdout:one\n');
  expect(printed).toContain('stderr:two\n');
});

test('a program that is not there is an error, not a process', async () => {
  await expect(keep({ command: '/no/such/program', args: [] })).rejects.toThrow('ENOENT');
});

test('a held folder can be dropped before the end', async () => {
  const dir = heldFolder();
  writeFileSync(join(dir, 'file'), '');
  await dropFolder(dir);
  expect(existsSync(dir)).toBe(false);
});

test('a started script gives its lines, its JSON and its exit code', async () => {
  const script =
    'process.on("SIGTERM", () => process.exit(3)); setInterval(() => {}, 1e6);' +
    'console.log("on port 1"); console.error(`{"level":"info"}`);';
  const built = await startNode(['-e', script]);
  expect(await built.line(/port/)).toBe('on port 1');
  await built.until(() => built.json().length === 1, 'a line of JSON');
  expect(built.json()).toEqual([{ level: 'info' }]);
  expect(await built.stop()).toBe(3);
});

test('a script that ends early fails the wait, with what it printed', async () => {
  const built = await startNode(['-e', 'console.error("no such thing"); process.exit(9)']);
  await expect(built.line(/ready/)).rejects.toThrow(/it ended first \(9\)(.|\n)*no such thing/);
});
