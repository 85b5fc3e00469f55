// Keys of the demo: random, made at its first run, kept beside its data. `lookup serve` refuses files marked "demo".

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface DemoKeys {
  readonly issuersFile: string;
  readonly photoKeysFile: string;
}

/**
 * Where the demo's key files are; makes those that are missing, for their owner's eyes only.
 * @param dir made when missing
 */
export async function demoKeys(dir: string): Promise<DemoKeys> {
  await mkdir(dir, { recursive: true });
  const issuersFile = join(dir, 'demo-issuers.json');
  const photoKeysFile = join(dir, 'demo-photo-keys.json');
  await writeOnce(issuersFile, { demo: true, issuers: makeIssuers() });
  await writeOnce(photoKeysFile, { demo: true, keys: [{ id: 'p1', secret: secret() }] });
  return { issuersFile, photoKeysFile };
}

/** The first key of each issuer is the one that signs; the others are on their way in or out. */
function makeIssuers() {
  return [
    issuer('wechat', [hmacKey('wechat-1'), hmacKey('wechat-2')]),
    issuer('alipay', [hmacKey('alipay-1')]),
    issuer('city', [edwardsKey('city-1')]),
  ];
}

function issuer(name: string, keys: readonly object[]) {
  return { issuer: `https://${name}.demo.invalid`, name, keys: { keys } };
}

const secret = () => randomBytes(32).toString('base64url');

function hmacKey(kid: string) {
  return { kty: 'oct', kid, alg: 'HS256', k: secret() };
}

/** With `d`, its secret half, because the demo mints tokens too. A real issuer publishes `x` only. */
function edwardsKey(kid: string) {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', kid, alg: 'EdDSA', x, d };
}

async function writeOnce(path: string, content: object): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
