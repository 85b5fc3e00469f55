import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: above this file as it is written, and as it is built. */
export const ROOT = above(dirname(fileURLToPath(import.meta.url)));

function above(dir: string): string {
  return existsSync(join(dir, 'package.json')) ? dir : above(dirname(dir));
}
