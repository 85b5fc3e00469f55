import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

export interface PageFile {
  readonly mime: string;
  readonly bytes: Buffer;
}

const FOLDER = new URL('page/', import.meta.url);
const MIMES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** All that the page consists of, by path, held in memory: no request names a file. */
export async function loadPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const name of await readdir(FOLDER)) {
    const mime = MIMES[name.slice(name.lastIndexOf('.') + 1)];
    if (mime) files.set(`/${name}`, { mime, bytes: await readFile(new URL(name, FOLDER)) });
  }
  const index = files.get('/index.html');
  if (!index) throw new Error(`${FOLDER} lacks index.html: run "npm run build"`);
  files.set('/', index);
  // The gate's reader of QR codes, as its package has it.
  const reader = createRequire(import.meta.url).resolve('jsqr');
  files.set('/jsqr.js', { mime: MIMES.js as string, bytes: await readFile(reader) });
  return files;
}
