import { createPrivateKey } from 'node:crypto';
import { createSigner } from 'fast-jwt';
import { type Issuers, IssuersError } from './issuers.ts';
import type { Audience } from './tokens.ts';

export interface MintOptions {
  /** Name or URL. */
  readonly issuer: string;
  /** Which of its keys; the first, unless told. */
  readonly kid?: string;
  readonly subject: string;
  readonly audience: Audience;
  readonly lifetimeS: number;
  readonly nowMs: number;
}

/**
 * Makes a token as a front end's back end would. For the demo, tests and operators.
 * @throws IssuersError when there is no such issuer or key, or only its public half
 */
export function mintToken(issuers: Issuers, options: MintOptions): string {
  const issuer = issuers.find(
    ({ name, issuer }) => name === options.issuer || issuer === options.issuer,
  );
  if (!issuer)
    throw new IssuersError(
      `no issuer "${options.issuer}": there are ${issuers.map(({ name }) => name).join(', ')}`,
    );
  const key = issuer.keys.find(({ kid }) => options.kid === undefined || kid === options.kid);
  if (!key) throw new IssuersError(`${issuer.name} has no key "${options.kid}"`);
  const iat = Math.floor(options.nowMs / 1_000);
  const claims = {
    iss: issuer.issuer,
    sub: options.subject,
    aud: options.audience,
    iat,
    exp: iat + options.lifetimeS,
  };
  return createSigner({ algorithm: key.alg, key: signingKey(key), kid: key.kid })(claims);
}

function signingKey({ alg, jwk, kid }: Issuers[number]['keys'][number]): Buffer | string {
  if (alg === 'HS256') return Buffer.from(jwk.k ?? '', 'base64url');
  if (!jwk.d) throw new IssuersError(`key "${kid}" has no private half ("d") in the file`);
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}
