// The command's words: all that is wrong is told before anything is started.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNode } from '../../test/process.ts';
import { ROOT } from '../rig/root.ts';

async function surge(...words: string[]) {
  const program = await startNode([join(ROOT, 'loadtest/surge.mjs'), ...words]);
  const { code } = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

test.each([
  ['no such scenario', ['morning'], 'morning: no such scenario; there are smoke, morning-surge'],
  ['no such scale', ['--scale', 'city'], 'city: no such scale; there are ci, day, full'],
  ['nothing to break', ['--break', 'all'], 'all: no such thing to break; there are slow-source'],
  ['two scenarios', ['smoke', 'soak'], 'soak: one scenario at a time'],
  ['no option', ['--poeple', '5'], '--poeple'],
  ['half a person', ['--people', '1000.5'], '--people 1000.5: must be a whole number from 1000'],
  ['one service', ['--services', '1'], '--services 1: must be a whole number from 2 to 4'],
  ['no rate', ['--rate', 'fast'], '--rate fast: must be a number from 1'],
  ['a rate too many', ['overload', '--rate', '5'], '--rate: overload finds what the services'],
  ['a time too many', ['relays-stopped', '--seconds', '5'], '--seconds: relays-stopped finds'],
])('ends with 2 when it is told %s', async (_, words, why) => {
  const { code, stdout, stderr } = await surge(...words);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(why);
});

test('names the scenarios, each with its question, and what can be broken', async () => {
  const { code, stdout } = await surge('--list');
  expect(code).toBe(0);
  for (const words of ['cold-morning ', 'no-relays ', 'Does it stay as it is?'])
    expect(stdout).toContain(words);
});
