// Keys of a rig: three made front ends, and what signs photo addresses. The formats are the service's; its code is not
// asked, because a rig sees it from outside.

import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Door = 'lookup-http' | 'lookup-gate';

export interface TokenOptions {
  /** For phones unless told. */
  readonly door?: Door;
  /** 12 hours unless told; at the gates' door 100 s, where little more is taken. */
  readonly lifetimeS?: number;
}

export interface RigKeys {
  readonly issuersFile: string;
  readonly photoKeysFile: string;
  /** The same front ends as the load's scripts want them (TOKEN_KEYS). */
  readonly tokenKeysFile: string;
  /** As the first front end's back end would make it. @param subject 22 characters of base64url */
  token(subject: string, options?: TokenOptions): string;
}

const FRONT_ENDS = ['wechat', 'alipay', 'city'];
const LIFETIME_S: Record<Door, number> = { 'lookup-http': 12 * 3_600, 'lookup-gate': 100 };

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Writes the files. @param dir for their owner's eyes only */
export function makeKeys(dir: string): RigKeys {
  const write = (name: string, content: object) => {
    const path = join(dir, name);
    writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
    return path;
  };
  const frontEnds = FRONT_ENDS.map((name) => {
    const k = randomBytes(32).toString('base64url');
    const iss = `https://${name}.rig.invalid`;
    return { issuer: iss, iss, name, kid: `${name}-1`, alg: 'HS256', k } as const;
  });
  const issuers = frontEnds.map(({ issuer, name, kid, alg, k }) => ({
    ...{ issuer, name },
    keys: { keys: [{ kty: 'oct', kid, alg, k }] },
  }));
  const photoKeys = [{ id: 'rig1', secret: randomBytes(32).toString('base64url') }];
  const [first] = frontEnds;
  if (!first) throw new Error('no front end');
  const header = base64url({ alg: first.alg, typ: 'JWT', kid: first.kid });
  const secret = Buffer.from(first.k, 'base64url');
  return {
    issuersFile: write('issuers.json', { issuers }),
    photoKeysFile: write('photo-keys.json', { keys: photoKeys }),
    tokenKeysFile: write('token-keys.json', frontEnds),
    token(subject, { door = 'lookup-http', lifetimeS = LIFETIME_S[door] } = {}) {
      const iat = Math.floor(Date.now() / 1_000);
      const claims = { iss: first.iss, sub: subject, aud: door, iat, exp: iat + lifetimeS };
      const body = `${header}.${base64url(claims)}`;
      return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
    },
  };
}
