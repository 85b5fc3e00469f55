// What the commands of this folder run is TypeScript, built into dist/rig/. Plain JavaScript: it runs before anything
// is built, on every supported Node.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/**
 * A build takes seconds and replaces what other programs of this checkout may be running: only when it is needed.
 * @param {string} name of a file below loadtest/, `lib/generate`
 * @param {readonly string[]} folders below loadtest/: what it is built from
 */
export async function builtModule(name, folders) {
  const built = join(here, `../dist/rig/loadtest/${name}.js`);
  const isNewer = (folder) =>
    readdirSync(join(here, folder))
      .filter((file) => file.endsWith('.ts'))
      .some((file) => statSync(join(here, folder, file)).mtimeMs > statSync(built).mtimeMs);
  if (!existsSync(built) || folders.some(isNewer))
    execFileSync(process.execPath, [join(here, '../lookup/build.mjs')], {
      stdio: ['ignore', 2, 2],
    });
  return await import(built);
}
