// Who is asking: JWTs of the front ends. The library checks form, algorithm, signature and issuer, by a verifier of
// each key's own, so that no token chooses how it is checked. Times and doors are checked here, by our clock.

import { createVerifier } from 'fast-jwt';
import { isId } from '../health-code.ts';
import type { Issuer, IssuerKey, Issuers } from './issuers.ts';
import { NOWHERE, type Place, TokenMemory } from './token-memory.ts';

/** The two doors; each refuses what is for the other. */
export type Audience = 'lookup-http' | 'lookup-gate';
const AUDIENCES: readonly string[] = ['lookup-http', 'lookup-gate'];

export type TokenFault = 'missing' | 'malformed' | 'invalid' | 'expired' | 'not-yet' | 'wrong-door';

export interface TokensOptions {
  readonly audience: Audience;
  readonly tokensMax: number;
  /** By how much the issuers' clocks may differ from ours. */
  readonly leewayMs: number;
}

/** Longer ones are not looked into. A QR code's must be easy to scan. */
const LENGTH_MAX: Record<Audience, number> = { 'lookup-http': 2_048, 'lookup-gate': 300 };

/** Whoever photographs a QR code gets nothing for long. */
export const GATE_LIFETIME_MAX_MS = 120_000;

/** Header segments seen on good tokens: one for each key, and few spellings of it. */
const HEADERS_MAX = 1_024;

interface Claims {
  readonly sub?: unknown;
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly nbf?: unknown;
  readonly iat?: unknown;
}

interface Verifier {
  readonly kid: string;
  verify(token: string): Claims;
}

export class Tokens {
  /** Those that were verified, and what their bearers were answered. */
  readonly memory: TokenMemory;
  readonly #options: TokensOptions;
  readonly #verifiers: readonly Verifier[];
  /** The header segment as it is spelled -> who may have signed. */
  readonly #byHeader = new Map<string, readonly Verifier[]>();

  constructor(issuers: Issuers, options: TokensOptions) {
    this.#options = options;
    const lengthMax = LENGTH_MAX[options.audience];
    this.memory = new TokenMemory({ tokensMax: options.tokensMax, lengthMax });
    this.#verifiers = issuers.flatMap((issuer) =>
      issuer.keys.map((key) => verifierOf(issuer, key)),
    );
  }

  /**
   * @param nowWallMs the wall clock
   * @param place where it is remembered, if it is: its signature was found good before
   * @returns where it is remembered, from now on; or why it is not
   */
  verify(
    token: string,
    nowWallMs: number,
    place: Place = this.memory.find(token),
  ): Place | TokenFault {
    if (place !== NOWHERE) {
      if (nowWallMs < this.memory.expiresWallS(place) * 1_000) return place;
      this.memory.delete(place);
      return 'expired';
    }
    if (token === '') return 'missing';
    if (token.length > LENGTH_MAX[this.#options.audience]) return 'malformed';
    const headerEnd = token.indexOf('.');
    if (headerEnd < 1) return 'malformed';
    const header = token.slice(0, headerEnd);
    const verifiers = this.#byHeader.get(header) ?? this.#verifiersFor(header);
    if (verifiers === undefined || !endsAsWritten(token)) return 'malformed';
    let fault: TokenFault = 'invalid';
    for (const verifier of verifiers) {
      let claims: Claims;
      try {
        claims = verifier.verify(token);
      } catch (error) {
        if ((error as { code?: string }).code === 'FAST_JWT_MALFORMED') fault = 'malformed';
        continue;
      }
      if (this.#byHeader.size < HEADERS_MAX) this.#byHeader.set(header, verifiers);
      return this.#accept(token, claims, nowWallMs);
    }
    return fault;
  }

  /** By `kid`, which two issuers may share: then each is tried, and its `iss` decides. */
  #verifiersFor(header: string): readonly Verifier[] | undefined {
    try {
      const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid?: unknown };
      return this.#verifiers.filter((verifier) => verifier.kid === kid);
    } catch {
      return undefined;
    }
  }

  #accept(token: string, claims: Claims, nowWallMs: number): Place | TokenFault {
    const { leewayMs, audience } = this.#options;
    const { sub, exp, nbf } = claims;
    const door = doorOf(claims.aud);
    if (door !== audience) return door === undefined ? 'invalid' : 'wrong-door';
    if (typeof exp !== 'number' || !Number.isFinite(exp)) return 'invalid';
    if (typeof sub !== 'string' || !isId(sub)) return 'invalid';
    const expiresWallS = Math.floor(exp + leewayMs / 1_000);
    if (nowWallMs >= expiresWallS * 1_000) return 'expired';
    if (nbf !== undefined) {
      if (typeof nbf !== 'number') return 'invalid';
      if (nowWallMs < nbf * 1_000 - leewayMs) return 'not-yet';
    }
    // Counted from now: what an issuer says about when it was made cannot lengthen it.
    if (audience === 'lookup-gate' && exp * 1_000 - nowWallMs > GATE_LIFETIME_MAX_MS + leewayMs)
      return 'invalid';
    const place = this.memory.add(token, sub, expiresWallS);
    return place === NOWHERE ? 'malformed' : place;
  }
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Some bits of a signature's last character belong to no byte, and no reader looks at them: so one token could be
 * spelled in sixteen ways, and each would be verified, and remembered, by itself.
 */
function endsAsWritten(token: string): boolean {
  const length = token.length - token.lastIndexOf('.') - 1;
  const idle = [0, 0, 0b1111, 0b11][length % 4] as number;
  return (BASE64URL.indexOf(token.slice(-1)) & idle) === 0;
}

/** The one door that a token is for. A token for both would make a photographed QR code good at the phone's door. */
function doorOf(aud: unknown): string | undefined {
  const audiences = Array.isArray(aud) ? aud : [aud];
  const doors = AUDIENCES.filter((door) => audiences.includes(door));
  return doors.length === 1 ? doors[0] : undefined;
}

function verifierOf(issuer: Issuer, key: IssuerKey): Verifier {
  const material =
    key.alg === 'HS256'
      ? Buffer.from(key.jwk.k ?? '', 'base64url')
      : (key.verifying.export({ type: 'spki', format: 'pem' }) as string);
  const verify = createVerifier({
    key: material,
    algorithms: [key.alg],
    allowedIss: issuer.issuer,
    requiredClaims: ['iss'],
    cache: false,
    // Checked by our own clock, after.
    ignoreExpiration: true,
    ignoreNotBefore: true,
  });
  return { kid: key.kid, verify };
}
