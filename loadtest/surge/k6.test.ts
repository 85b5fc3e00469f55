// With programs in the place of k6 that do as it does when it is late.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runK6 } from './k6.ts';

const home = mkdtempSync(join(tmpdir(), 'lookup-k6-'));
afterAll(() => rmSync(home, { recursive: true }));

/** It tells of three answers, and then does nothing. @param then what it does instead, with Node's fs at hand */
async function run(name: string, then: string, signal = new AbortController().signal) {
  const path = join(home, name);
  writeFileSync(
    path,
    `#!${process.execPath}
     const fs = require('node:fs');
     const second = { at: 5, door: 'http', ends: { answered: 3 }, from: {}, took: {} };
     const lines = process.argv[process.argv.indexOf('--console-output') + 1];
     fs.appendFileSync(lines, JSON.stringify(second) + '\\n');
     const told = { scenario: 'smoke', metrics: {}, testRunDurationMs: 7 };
     const tell = () => fs.writeFileSync(process.env.SUMMARY, JSON.stringify(told));
     setInterval(() => {}, 1_000);
     ${then}`,
  );
  chmodSync(path, 0o755);
  return await runK6({
    ...{ k6: path, script: 'smoke', env: {}, signal, secondsMax: 2, onSecond: () => {} },
    generator: { url: '', watch: () => {}, shares: new Map(), stop: async () => {} },
  });
}

test.each([
  ['every budget held', 'tell(); process.exit(0)'],
  ['some did not', 'tell(); process.exit(99)'],
])('it ends by itself: %s', async (name, then) => {
  const { isWhole, summary, seconds } = await run(name.replaceAll(' ', '-'), then);
  expect([isWhole, summary.testRunDurationMs, seconds.total.answered]).toEqual([true, 7, 3]);
});

test('it is ended when it takes too long, and what it told by then counts', async () => {
  const then = `process.on('SIGINT', () => { tell(); process.exit(105); })`;
  const { isWhole, summary, seconds } = await run('obeys', then);
  expect([isWhole, summary.testRunDurationMs, seconds.total.answered]).toEqual([false, 7, 3]);
});

test('it is killed when it does not obey, and what it told of each second counts', async () => {
  const { isWhole, summary } = await run('deaf', `process.on('SIGINT', () => {})`);
  expect([isWhole, summary.testRunDurationMs]).toEqual([false, 2_000]);
  expect(summary.metrics).toMatchObject({
    asked: { values: { count: 3 } },
    answered: { values: { count: 3 } },
    failed: { values: { count: 0 } },
  });
}, 40_000);

test('a script that does not load is told, with what was printed', async () => {
  const then = `process.stderr.write('no such module\\n', () => process.exit(107))`;
  await expect(run('fails', then)).rejects.toThrow(
    /k6 ended with 107 in smoke.ts:\nno such module/,
  );
});

test('when all is to end it ends', async () => {
  const ending = new AbortController();
  setTimeout(() => ending.abort(new Error('enough')), 300);
  await expect(run('endless', '', ending.signal)).rejects.toThrow('enough');
});
