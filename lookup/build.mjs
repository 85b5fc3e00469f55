// npm run build: proto -> static code, TypeScript -> dist/, and the files that are read at run time beside it. What
// only runs it on this machine (npm run dev:cluster) goes to dist/rig/, which no delivery needs.
// npm run proto runs the first step alone (the type check needs it).

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beganAt } from '../test/began-at.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (name, ...args) =>
  execFileSync(bin(name), args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

const PROTO = 'proto/lookup/v1/lookup';
const newer = (a, b) => {
  try {
    return statSync(join(root, a)).mtimeMs > statSync(join(root, b)).mtimeMs;
  } catch {
    return true;
  }
};

if (newer(`${PROTO}.proto`, `${PROTO}.d.ts`)) {
  const options = [
    '--no-create',
    '--no-verify',
    '--no-delimited',
    '--no-service',
    '--force-number',
  ];
  run(
    'pbjs',
    '-t',
    'static-module',
    '-w',
    'es6',
    ...options,
    '-p',
    'proto',
    '-o',
    `${PROTO}.js`,
    'lookup/v1/lookup.proto',
  );
  run('pbts', '-o', `${PROTO}.d.ts`, `${PROTO}.js`);
}
if (process.argv[2] !== '--proto') {
  const users = usersOf(join(root, 'dist/in-use'));
  if (users.length > 0) {
    process.stderr.write(
      `Process ${users.join(' and ')} still starts programs from dist/, which a build would replace: ` +
        'wait until it ends, or use another clone.\n',
    );
    process.exit(1);
  }
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('tsc', '-p', 'tsconfig.build.json');
  mkdirSync(join(root, 'dist/proto'), { recursive: true });
  cpSync(join(root, 'proto'), join(root, 'dist/proto'), { recursive: true });
  cpSync(join(root, 'lookup/source/migrations'), join(root, 'dist/lookup/source/migrations'), {
    recursive: true,
  });
  cpSync(join(root, 'lookup/demo/page'), join(root, 'dist/lookup/demo/page'), { recursive: true });
  run('tsc', '-p', 'loadtest/rig/tsconfig.build.json');
  for (const name of ['keeper.mjs', 'needs.mjs'])
    cpSync(join(root, 'test', name), join(root, 'dist/rig/test', name));
  chmodSync(join(root, 'dist/lookup/cli.js'), 0o755);
  linkOwnCommand();
  // Last: without it nothing was built, whatever lies there.
  writeFileSync(join(root, 'dist/built'), '');
}

/** Those that run: load tests and dev:cluster write their process ids there, and when they began. */
function usersOf(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((pid) => {
    const began = beganAt(pid);
    return began !== undefined && began === readFileSync(join(folder, pid), 'utf8');
  });
}

/** Not every npm finds a package's own command: without this `npx lookup` might look far away for another. */
function linkOwnCommand() {
  rmSync(bin('lookup'), { force: true });
  symlinkSync('../../dist/lookup/cli.js', bin('lookup'));
}
