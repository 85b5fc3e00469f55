// That a load can be split between machines: k6 itself is asked, as the operator calls it.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const loadtest = fileURLToPath(new URL('..', import.meta.url));
const tools = await import(new URL('../tools.mjs', import.meta.url).href);
const run = promisify(execFile);
/** Each call compiles the scripts and makes the images: seconds, on a machine that is busy. */
const TIMEOUT_MS = 120_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'k6-segments-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function k6(...args: string[]) {
  const found: { path: string } | undefined = tools.findK6();
  if (!found) throw new Error(`k6 is not here. ${tools.HOW_TO_GET}`);
  const env = { PATH: process.env.PATH, HOME: folder, K6_NO_USAGE_REPORT: 'true' };
  return await run(found.path, args, { cwd: folder, env, timeout: TIMEOUT_MS });
}

const PEOPLE = 1_000;
/** Arrivals as the scripts have them, and who they are by the scripts' own order. */
const WHO = `
import exec from 'k6/execution';
import { orderOf } from '${join(loadtest, 'lib/order.ts')}';
const order = orderOf(${PEOPLE}, 1);
const stages = [{ duration: '2s', target: 15_000 }, { duration: '1s', target: 5_000 }];
export const options = {
  scenarios: {
    phone: {
      ...{ executor: 'ramping-arrival-rate', timeUnit: '100s', startRate: 1_000, stages },
      preAllocatedVUs: 20,
    },
  },
};
export default function () {
  const i = exec.scenario.iterationInTest;
  console.log('i=' + i + ' person=' + order.at(i));
}`;

test(
  'three machines ask about different people, and together about all',
  async () => {
    const script = join(folder, 'who.ts');
    writeFileSync(script, WHO);
    const parts = await Promise.all(
      ['0:1/3', '1/3:2/3', '2/3:1'].map(async (segment) => {
        const cut = ['--execution-segment', segment, '--execution-segment-sequence', '0,1/3,2/3,1'];
        const options = ['--quiet', '--summary-mode=disabled', '--address=', '--log-format=raw'];
        const { stderr } = await k6('run', ...options, ...cut, script);
        const told = [...stderr.matchAll(/^i=(\d+) person=(\d+)$/gm)];
        return told.map(([, i, person]) => ({ i: Number(i), person: Number(person) }));
      }),
    );
    for (const part of parts) expect(part.length).toBeGreaterThan(50);
    const all = parts.flat();
    expect(new Set(all.map(({ person }) => person)).size).toBe(all.length);
    // Which of them has the last numbers is not the same each time: up to there nobody is left out.
    const whole = Math.min(...parts.map((part) => Math.max(...part.map(({ i }) => i))));
    const numbers = new Set(all.map(({ i }) => i));
    expect(Array.from({ length: whole }, (_, i) => i).filter((i) => !numbers.has(i))).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'an archive is all that a machine needs: scripts, contract, keys, and what the run was told',
  async () => {
    const city = join(folder, 'city');
    for (const name of ['loadtest', 'proto'])
      cpSync(join(loadtest, '..', name), join(city, name), { recursive: true });
    const keys = join(city, 'keys.json');
    const key = { iss: 'https://front.example', kid: 'a1', alg: 'HS256', k: 'A'.repeat(43) };
    writeFileSync(keys, JSON.stringify([key]));
    const words = {
      ...{ HTTP_URLS: 'http://127.0.0.1:1', GRPC_ADDRS: '127.0.0.1:1', TOKEN_KEYS: keys },
      ...{ PEOPLE, RATE: 5, SECONDS: 2 },
    };
    const told = Object.entries(words).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const archive = join(folder, 'morning-surge.tar');
    await k6('archive', ...told, '-O', archive, join(city, 'loadtest/morning-surge.ts'));
    // A ConfigMap holds no more.
    expect(statSync(archive).size).toBeLessThan(2 ** 20);

    renameSync(city, join(folder, 'gone'));
    const { stdout } = await k6('inspect', archive);
    const { scenarios, thresholds } = JSON.parse(stdout);
    expect(Object.keys(scenarios).sort()).toEqual(['gate', 'line', 'phone', 'reopen']);
    expect(scenarios.phone.stages[1]).toEqual({ duration: '2s', target: 500 });
    expect(thresholds).toHaveProperty('wrong');
    // Whoever tells it something else later changes nothing of its load.
    const later = await k6('inspect', '-e', 'RATE=50', archive);
    expect(JSON.parse(later.stdout).scenarios.phone.stages[1].target).toBe(500);
  },
  TIMEOUT_MS,
);
