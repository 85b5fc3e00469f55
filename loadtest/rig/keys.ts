// Keys of a rig: one made front end, and what signs photo addresses. The formats are the service's; its code is not
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
  /** As the front end's back end would make it. @param subject 22 characters of base64url */
  token(subject: string, options?: TokenOptions): string;
}

const ISSUER = 'https://front-end.rig.invalid';
const KID = 'rig-1';
const LIFETIME_S: Record<Door, number> = { 'lookup-http': 12 * 3_600, 'lookup-gate': 100 };

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Writes both files. @param dir for their owner's eyes only */
export function makeKeys(dir: string): RigKeys {
  const secret = randomBytes(32);
  const k = secret.toString('base64url');
  const write = (name: string, content: object) => {
    const path = join(dir, name);
    writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
    return path;
  };
  const keys = [{ kty: 'oct', kid: KID, alg: 'HS256', k }];
  const issuers = [{ issuer: ISSUER, name: 'rig', keys: { keys } }];
  const photoKeys = [{ id: 'rig1', secret: randomBytes(32).toString('base64url') }];
  const header = base64url({ alg: 'HS256', typ: 'JWT', kid: KID });
  return {
    issuersFile: write('issuers.json', { issuers }),
    photoKeysFile: write('photo-keys.json', { keys: photoKeys }),
    token(subject, { door = 'lookup-http', lifetimeS = LIFETIME_S[door] } = {}) {
      const iat = Math.floor(Date.now() / 1_000);
      const claims = { iss: ISSUER, sub: subject, aud: door, iat, exp: iat + lifetimeS };
      const body = `${header}.${base64url(claims)}`;
      return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
    },
  };
}
