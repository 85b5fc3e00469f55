import { describe, expect, it } from 'vitest';
import { edwardsKey, hmacKey, issuer, issuersOf } from '../../test/issuers.ts';
import { IssuersError } from './issuers.ts';
import { type MintOptions, mintToken } from './mint.ts';
import { Tokens } from './tokens.ts';

const NOW_MS = 1_700_000_000_500;
const SUBJECT = Buffer.alloc(16, 7).toString('base64url');
const ISSUERS = issuersOf(
  issuer('apple', hmacKey('a-1'), hmacKey('a-2')),
  issuer('pear', edwardsKey('p-1'), { ...edwardsKey('p-2'), d: undefined }),
);

const mint = (options: Partial<MintOptions> = {}) =>
  mintToken(ISSUERS, {
    issuer: 'apple',
    subject: SUBJECT,
    audience: 'lookup-http',
    lifetimeS: 60,
    nowMs: NOW_MS,
    ...options,
  });
const read = (part: string | undefined) =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

describe('a minted token', () => {
  it('says who, for which door, and until when', () => {
    const [header, payload] = mint().split('.');
    expect(read(header)).toMatchObject({ alg: 'HS256', kid: 'a-1' });
    expect(read(payload)).toEqual({
      iss: 'https://apple.invalid',
      sub: SUBJECT,
      aud: 'lookup-http',
      iat: 1_700_000_000,
      exp: 1_700_000_060,
    });
  });

  it.each([
    ['the first key of an issuer', { issuer: 'apple' }],
    ['another one', { issuer: 'apple', kid: 'a-2' }],
    ['an issuer by its URL', { issuer: 'https://apple.invalid' }],
    ['a key pair', { issuer: 'pear' }],
  ])('is good, by %s', (_, options) => {
    const tokens = new Tokens(ISSUERS, { audience: 'lookup-http', tokensMax: 10, leewayMs: 0 });
    const place = tokens.verify(mint(options), NOW_MS);
    expect(tokens.memory.subject(place as number)).toBe(SUBJECT);
    expect(tokens.verify(mint({ ...options, nowMs: NOW_MS - 60_000 }), NOW_MS)).toBe('expired');
  });

  it('that a gate reads is short enough for it', () => {
    for (const name of ['apple', 'pear']) {
      const token = mint({ issuer: name, audience: 'lookup-gate', lifetimeS: 120 });
      expect(token.length).toBeLessThanOrEqual(300);
      const gate = new Tokens(ISSUERS, { audience: 'lookup-gate', tokensMax: 10, leewayMs: 0 });
      expect(gate.memory.subject(gate.verify(token, NOW_MS) as number)).toBe(SUBJECT);
    }
  });

  it.each([
    [{ issuer: 'plum' }, 'no issuer "plum": there are apple, pear'],
    [{ kid: 'a-9' }, 'apple has no key "a-9"'],
    [{ issuer: 'pear', kid: 'p-2' }, 'key "p-2" has no private half'],
  ])('of %o cannot be made', (options, message) => {
    expect(() => mint(options)).toThrow(IssuersError);
    expect(() => mint(options)).toThrow(message);
  });
});
