// npm run tools: k6, which makes the load. From PATH, else built with Go into this checkout, else how to get it. Plain
// JavaScript: it runs before anything is built, on every supported Node.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WANTED = 'v1.8.1';
/** Scripts in TypeScript came with 0.57 and settled in 1.0; 2.0 took things away that these scripts may use. */
const FITS = /^v1\.([8-9]|\d\d+)\./;
/** Two cores compile it in about two minutes; a slow network comes on top. */
const BUILD_MS = 15 * 60_000;

const own = join(dirname(fileURLToPath(import.meta.url)), '../.tools/bin');
const inOwn = join(own, 'k6');

/** @returns what `k6 version` says, or undefined when it is none that fits */
function versionOf(path) {
  const { status, stdout } = spawnSync(path, ['version'], { encoding: 'utf8', timeout: 20_000 });
  const version = status === 0 ? /^k6(?:\.exe)? (v\S+)/.exec(stdout)?.[1] : undefined;
  return version !== undefined && FITS.test(version) ? version : undefined;
}

/** @returns {{path: string, version: string} | undefined} one on PATH before our own */
export function findK6() {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');
  for (const path of [...onPath.map((dir) => join(dir, 'k6')), inOwn]) {
    const version = versionOf(path);
    if (version) return { path, version };
  }
  return undefined;
}

function build() {
  process.stderr.write(`k6 is not on PATH: building ${WANTED} with Go, for about two minutes\n`);
  mkdirSync(own, { recursive: true });
  execFileSync('go', ['install', `go.k6.io/k6@${WANTED}`], {
    env: { ...process.env, GOBIN: own },
    stdio: ['ignore', 2, 2],
    timeout: BUILD_MS,
  });
}

export const HOW_TO_GET = `The load tests need k6 ${WANTED} or a later v1. Any of these brings it:
  - Go 1.25 or later on PATH, then "npm run tools" (or "go install go.k6.io/k6@${WANTED}" by hand)
  - a package or binary of k6 from its makers (https://grafana.com/docs/k6/latest/set-up/install-k6/), put on PATH`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let k6 = findK6();
  if (!k6) {
    try {
      build();
    } catch (error) {
      process.stderr.write(`${error.code === 'ENOENT' ? 'Go is not here' : error.message}\n`);
    }
    k6 = findK6();
  }
  if (k6) process.stdout.write(`k6 ${k6.version} ${k6.path}\n`);
  else {
    process.stderr.write(`${HOW_TO_GET}\n`);
    process.exitCode = 1;
  }
}
