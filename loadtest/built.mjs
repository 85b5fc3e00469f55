// What the commands of this folder run is TypeScript, built into dist/rig/. Plain JavaScript: it runs before anything
// is built, on every supported Node.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beganAt } from '../test/began-at.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Folders of what starts processes of the service. */
export const WHOLE = ['.', '../lookup', '../proto', '../test'];
const BUILT_FROM = /(?<!\.test|\.contract)\.(ts|js|mjs|proto|sql|html|css)$/;

/**
 * A build takes seconds and replaces what other programs of this checkout may be running: only when it is needed.
 * @param {string} name of a file below loadtest/, `lib/generate`
 * @param {readonly string[]} folders seen from loadtest/: what it is built from, with all that is below them
 * @throws when it cannot be built, which has been said by then
 */
export async function builtModule(name, folders) {
  const built = join(here, `../dist/rig/loadtest/${name}.js`);
  const stamp = join(here, '../dist/built');
  const isNewer = (folder) =>
    readdirSync(join(here, folder), { recursive: true })
      .filter((file) => BUILT_FROM.test(file))
      .some((file) => statSync(join(here, folder, file)).mtimeMs > statSync(stamp).mtimeMs);
  if (!existsSync(stamp) || folders.some(isNewer))
    execFileSync(process.execPath, [join(here, '../lookup/build.mjs')], {
      stdio: ['ignore', 2, 2],
    });
  return await import(built);
}

/** Until this program ends no build replaces what was built: more of it is started later. */
export function holdBuilt() {
  const folder = join(here, '../dist/in-use');
  const file = join(folder, String(process.pid));
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, beganAt(process.pid) ?? '');
  process.once('exit', () => rmSync(file, { force: true }));
}
