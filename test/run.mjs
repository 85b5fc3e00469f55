// npm test: sees to what the tests need of this machine, builds, and runs vitest. Runs on every supported Node.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findK6 } from '../loadtest/tools.mjs';
import { NEEDS } from './needs.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const HELP = `npm test [-- [options] [files]]

Installs what the tests need and is missing (on Debian, as root), builds, and runs the tests.
They start private servers on free ports of this machine and end them, whatever happens.

  npm test                            everything
  npm test -- lookup/lookup.test.ts   one file; any words and options of vitest
  npm test -- -t "stale"              tests with this in their name
  npm test -- --needs                 only says what is needed and where it is

Needed besides Node:
${NEEDS.map((need) => `  ${need.name}: ${need.why} (Debian: ${need.packages.join(' ')})`).join('\n')}
  k6: the load tests are tried with it ("npm run tools" builds it where Go is)
`;

const say = (text) => process.stderr.write(`${text}\n`);

/** Debian's tools, without questions; what they print is shown only when they fail. */
function apt(...args) {
  const { status, stdout, stderr, error } = spawnSync(
    'apt-get',
    ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    },
  );
  if (status === 0) return;
  say(`apt-get ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
  process.exit(1);
}

/**
 * Debian's packages start the server that they bring, and PostgreSQL's make a cluster as well; these tests start
 * servers of their own, so both are off meanwhile.
 */
function withoutDaemons(work) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return work();
  const remove = () => rmSync(policy, { force: true });
  process.once('exit', remove);
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  work();
  remove();
  process.removeListener('exit', remove);
}

function installPostgres(packages) {
  const settings = '/etc/postgresql-common/createcluster.conf';
  apt('install', '-y', '--no-install-recommends', 'postgresql-common');
  const before = existsSync(settings) ? readFileSync(settings, 'utf8') : '';
  const restore = () => writeFileSync(settings, before);
  process.once('exit', restore);
  writeFileSync(settings, `${before}\ncreate_main_cluster = false\n`);
  apt('install', '-y', '--no-install-recommends', ...packages);
  restore();
  process.removeListener('exit', restore);
}

function meetNeeds() {
  const missing = NEEDS.filter((need) => !need.find());
  if (missing.length === 0) return;
  const names = missing.map((need) => need.name).join(', ');
  const packages = missing.flatMap((need) => need.packages);
  const debian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
  if (!debian || process.getuid?.() !== 0) {
    say(`The tests need what is not here: ${names}.`);
    if (debian) say(`As root: apt-get install ${packages.join(' ')}`);
    else say('This is not Debian: install them, with their programs on the PATH, and try again.');
    process.exit(1);
  }
  say(`Not here: ${names}. Installing from Debian: ${packages.join(' ')}`);
  apt('update');
  for (const need of missing) {
    withoutDaemons(() => {
      if (need.packages.includes('postgresql')) installPostgres(need.packages);
      else apt('install', '-y', '--no-install-recommends', ...need.packages);
    });
    if (need.find()) continue;
    say(`${need.packages.join(' ')} was installed, but ${need.name} is still not found.`);
    process.exit(1);
  }
}

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (args.includes('--needs')) {
  for (const need of NEEDS) say(`${need.name}: ${need.find() ?? 'not here'}`);
  say(`k6: ${findK6()?.path ?? 'not here'}`);
  process.exit(NEEDS.every((need) => need.find()) ? 0 : 1);
}
meetNeeds();
// It comes from no package of Debian's. Where Go is not here either, what needs it fails, and says how to get it.
if (!findK6())
  spawnSync(process.execPath, [join(root, 'loadtest/tools.mjs')], { stdio: 'inherit' });
try {
  // What the tests start is what is delivered: the built process.
  execFileSync(process.execPath, ['lookup/build.mjs'], { cwd: root, stdio: 'inherit' });
} catch {
  say('The build failed, so no test was run.');
  process.exit(1);
}
const vitest = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl-C reaches vitest by itself; a signal sent to this process alone is handed on.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => vitest.kill(signal));
process.on('SIGINT', () => {});
vitest.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
