// What the tests need of the machine besides Node: where each thing is, and which Debian packages bring it.
// Plain JavaScript: test/run.mjs uses it before anything is built.

import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** `pg_current_xact_id()`, which the outbox stands on, came with it. */
const POSTGRES_LEAST = 13;

/** Functions of a stream and settings of a hash that the second layer stands on came with it. */
const REDIS_LEAST = 7;

const onPath = () => (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function outputOf(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

const foldersIn = (dir) => {
  try {
    return readdirSync(dir).map((name) => join(dir, name));
  } catch {
    return [];
  }
};

/** Debian keeps the server's programs off the PATH, one folder a major version. */
export function findPostgres() {
  const debian = foldersIn('/usr/lib/postgresql').map((dir) => join(dir, 'bin'));
  const configured = outputOf('pg_config', ['--bindir']).trim();
  let best;
  for (const dir of new Set([...debian, configured, ...onPath()])) {
    if (dir === '' || !isProgram(join(dir, 'initdb')) || !isProgram(join(dir, 'postgres')))
      continue;
    const major = Number(/\) (\d+)/.exec(outputOf(join(dir, 'postgres'), ['--version']))?.[1] ?? 0);
    if (major >= POSTGRES_LEAST && major > (best?.major ?? 0)) best = { dir, major };
  }
  return best?.dir;
}

/** A server that can be in a cluster; from 7.0 on a slot range is one message. */
export function findRedis() {
  return onPath()
    .flatMap((dir) => ['redis-server', 'valkey-server'].map((name) => join(dir, name)))
    .filter(isProgram)
    .find((path) => {
      const version = / v=(\d+)\./.exec(outputOf(path, ['--version']))?.[1];
      return Number(version ?? 0) >= REDIS_LEAST;
    });
}

export function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return onPath()
    .concat('/usr/bin')
    .flatMap((dir) => names.map((name) => join(dir, name)))
    .find(isProgram);
}

const findChineseFont = () =>
  outputOf('fc-list', [':lang=zh-cn', 'file']).split(':')[0] || undefined;

export const NEEDS = [
  {
    name: `PostgreSQL ${POSTGRES_LEAST} or later (its server)`,
    why: 'the tests start private servers of their own',
    packages: ['postgresql'],
    find: findPostgres,
  },
  {
    name: `Redis ${REDIS_LEAST} or later (its server)`,
    why: 'the tests start private clusters of their own',
    packages: ['redis-server'],
    find: findRedis,
  },
  {
    name: 'Chromium',
    why: 'the demo page is tested in it',
    packages: ['chromium'],
    find: findChromium,
  },
  {
    name: 'a Chinese font',
    why: 'the demo page is drawn in two languages',
    packages: ['fonts-wqy-microhei', 'fontconfig'],
    find: findChineseFont,
  },
];
