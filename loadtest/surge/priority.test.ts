import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { getuid } from 'node:process';
import { expect, test } from 'vitest';
import { until } from '../../test/wait.ts';
import { prefer } from './priority.ts';

test('every thread of a process comes before others; only root may do that', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  try {
    const pid = child.pid as number;
    if (getuid?.() !== 0) {
      expect(() => prefer(pid)).toThrow('EACCES');
      return;
    }
    const threads = () => readdirSync(`/proc/${pid}/task`);
    await until(() => threads().length > 4, { what: 'it has threads of its own' });
    prefer(pid);
    const all = threads().map((thread) => getPriority(Number(thread)));
    expect(new Set(all)).toEqual(new Set([-10]));
    expect(getPriority()).toBe(constants.priority.PRIORITY_NORMAL);
  } finally {
    child.kill('SIGKILL');
  }
});

test('who has ended is nobody’s concern', async () => {
  const child = spawn(process.execPath, ['-e', '0']);
  await new Promise((resolve) => child.once('exit', resolve));
  expect(() => prefer(child.pid as number)).not.toThrow();
});
