// The front ends whose tokens are accepted, each with its own keys. Several keys of an issuer live at once, for
// rotation.

import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface IssuerKey {
  readonly kid: string;
  readonly alg: 'HS256' | 'EdDSA';
  /** The secret, or the public key. Made once: making one costs more than using it. */
  readonly verifying: KeyObject;
  /** As it stands in the file, for minting. */
  readonly jwk: JsonWebKey;
}

export interface Issuer {
  /** What a token's `iss` must be. */
  readonly issuer: string;
  /** Short: for people and for metrics. */
  readonly name: string;
  readonly keys: readonly IssuerKey[];
}

export type Issuers = readonly Issuer[];

/** The issuers file is not one. Names the file and the place in it. */
export class IssuersError extends Error {
  override readonly name = 'IssuersError';
}

/** Shorter ones can be guessed from one token. */
const SECRET_BYTES_MIN = 32;
const NAME = /^[a-z0-9-]{1,32}$/;
const KID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * @param allowDemo whether a file marked `"demo": true` may be used: its keys lie on the disks of many
 * @throws IssuersError
 */
export function readIssuers(path: string, options: { allowDemo: boolean }): Issuers {
  const fail = (what: string): never => {
    throw new IssuersError(`${path}: ${what}`);
  };
  const file = parseFile(path, fail);
  if (file.demo && !options.allowDemo)
    fail('these are demo keys, which are refused here: make keys of your own');
  if (!Array.isArray(file.issuers) || file.issuers.length === 0)
    fail('"issuers" must be a list with at least one');
  const seen = new Set<string>();
  return (file.issuers as IssuerFile[]).map((entry, i) => {
    const at = `issuers[${i}]`;
    if (typeof entry?.issuer !== 'string' || entry.issuer === '')
      fail(`${at}.issuer must be a text: the token's "iss"`);
    if (!NAME.test(entry.name ?? '')) fail(`${at}.name must match ${NAME.source}`);
    for (const id of [entry.issuer, entry.name]) {
      if (seen.has(id)) fail(`${at}: "${id}" is there twice`);
      seen.add(id);
    }
    const keys = entry.keys?.keys;
    if (!Array.isArray(keys) || keys.length === 0)
      fail(`${at}.keys must be a JWKS: {"keys": [...]}`);
    const kids = new Set<string>();
    return {
      issuer: entry.issuer,
      name: entry.name,
      keys: keys.map((jwk, k) => {
        const key = readKey(jwk, (what) => fail(`${at}.keys.keys[${k}]${what}`));
        if (kids.has(key.kid)) fail(`${at}: kid "${key.kid}" is there twice`);
        kids.add(key.kid);
        return key;
      }),
    };
  });
}

interface IssuerFile {
  readonly issuer: string;
  readonly name: string;
  readonly keys: { readonly keys: JsonWebKey[] };
}

function parseFile(
  path: string,
  fail: (what: string) => never,
): { demo?: boolean; issuers?: unknown } {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`cannot be read: ${(error as Error).message}`);
  }
}

function readKey(jwk: JsonWebKey, fail: (what: string) => never): IssuerKey {
  const kid = jwk?.kid;
  if (typeof kid !== 'string' || !KID.test(kid)) return fail(`.kid must match ${KID.source}`);
  if (jwk.kty === 'oct') {
    if (jwk.alg !== undefined && jwk.alg !== 'HS256') return fail('.alg must be HS256 for kty oct');
    const secret = Buffer.from(jwk.k ?? '', 'base64url');
    if (secret.length < SECRET_BYTES_MIN)
      return fail(`.k must be at least ${SECRET_BYTES_MIN} bytes of base64url`);
    return { kid, alg: 'HS256', verifying: createSecretKey(secret), jwk };
  }
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    if (jwk.alg !== undefined && jwk.alg !== 'EdDSA')
      return fail('.alg must be EdDSA for crv Ed25519');
    try {
      const { kty, crv, x } = jwk;
      return {
        kid,
        alg: 'EdDSA',
        verifying: createPublicKey({ key: { kty, crv, x } as JsonWebKey, format: 'jwk' }),
        jwk,
      };
    } catch (error) {
      return fail(`.x is no Ed25519 public key: ${(error as Error).message}`);
    }
  }
  return fail(': kty must be oct (HS256) or OKP with crv Ed25519 (EdDSA)');
}
