// Issuers files of made front ends.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Issuers, readIssuers } from '../lookup/edge/issuers.ts';

export const hmacKey = (kid: string, bytes = 32) => ({
  kty: 'oct',
  kid,
  alg: 'HS256',
  k: randomBytes(bytes).toString('base64url'),
});

/** With its private half. */
export function edwardsKey(kid: string) {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', kid, alg: 'EdDSA', x: x as string, d: d as string };
}

export const issuer = (name: string, ...keys: object[]) => ({
  issuer: `https://${name}.invalid`,
  name,
  keys: { keys },
});

/** What `read` makes of a file with this content; the file is gone after. */
export function readingFile<T>(content: unknown, read: (path: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'lookup-file-'));
  try {
    const path = join(dir, 'made.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return read(path);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export const issuersOf = (...issuers: object[]): Issuers =>
  readingFile({ issuers }, (path) => readIssuers(path, { allowDemo: false }));
