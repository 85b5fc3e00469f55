// The code and the style of the page, as text that goes into it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from '../rig/root.ts';

/** Each after those that it imports. */
const PLOTS = ['basics', 'bands', 'scales', 'legend', 'main'];

const { resolve } = createRequire(join(ROOT, 'package.json'));
const ofLibrary = (path: string) => readFileSync(resolve(`uplot/${path}`), 'utf8');
const own = (path: string) => readFileSync(join(ROOT, 'loadtest/report', path), 'utf8');

export interface PageCode {
  readonly styles: readonly string[];
  /** Plain scripts, in this order. */
  readonly scripts: readonly string[];
}

/** The library's license goes where its code goes. */
export function loadPageCode(): PageCode {
  const license = `/*\n${ofLibrary('LICENSE')}*/\n`;
  return {
    styles: [license + ofLibrary('dist/uPlot.min.css'), own('page.css')],
    scripts: [license + ofLibrary('dist/uPlot.iife.min.js'), joined(PLOTS)],
  };
}

/** Modules of ours as one script: what one exports is simply there for the next. */
function joined(names: readonly string[]): string {
  const bodies = names.map((name) =>
    own(`plots/${name}.js`)
      .replaceAll(/^import \{[^}]*\} from '[^']*';\n/gm, '')
      .replaceAll(/^export /gm, ''),
  );
  return `'use strict';\n{\n${bodies.join('\n')}}\n`;
}
