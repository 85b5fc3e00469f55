import { createHmac, createPrivateKey, sign as signWith } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edwardsKey, hmacKey, issuer, issuersOf } from '../../test/issuers.ts';
import { NOWHERE } from './token-memory.ts';
import { type Audience, GATE_LIFETIME_MAX_MS, Tokens } from './tokens.ts';

const NOW_MS = 1_700_000_000_000;
const NOW_S = NOW_MS / 1_000;
const LEEWAY_MS = 5_000;
const SUBJECT = Buffer.alloc(16, 7).toString('base64url');

const KEYS = {
  apple1: hmacKey('a-1'),
  apple2: hmacKey('a-2'),
  pear: edwardsKey('p-1'),
  // The same name for a key, chosen by another front end.
  plum: hmacKey('a-1'),
};
const ISSUERS = issuersOf(
  issuer('apple', KEYS.apple1, KEYS.apple2),
  issuer('pear', { ...KEYS.pear, d: undefined }),
  issuer('plum', KEYS.plum),
);

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = (more: object = {}) => ({
  iss: 'https://apple.invalid',
  sub: SUBJECT,
  aud: 'lookup-http',
  exp: NOW_S + 60,
  ...more,
});

type Hmac = ReturnType<typeof hmacKey>;

/** A number too large for a float64, as no JSON.stringify writes it. @param payload its text, or what it is of */
const textPart = (payload: object | string) =>
  typeof payload === 'string' ? Buffer.from(payload).toString('base64url') : part(payload);
const endless = JSON.stringify(claims({ exp: 0 })).replace('"exp":0', '"exp":1e999');

/** Signed here by hand: what makes tokens must not be what checks them. */
function hs256(
  key: Hmac,
  payload: object | string = claims(),
  header: object = {},
  hash = 'sha256',
) {
  const signed = `${part({ alg: 'HS256', kid: key.kid, ...header })}.${textPart(payload)}`;
  const secret = Buffer.from(key.k, 'base64url');
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

function eddsa(payload: object, header: object = {}): string {
  const signed = `${part({ alg: 'EdDSA', kid: 'p-1', ...header })}.${part(payload)}`;
  const key = createPrivateKey({ key: KEYS.pear, format: 'jwk' });
  return `${signed}.${signWith(null, Buffer.from(signed), key).toString('base64url')}`;
}

const tokens = (audience: Audience = 'lookup-http', tokensMax = 100) =>
  new Tokens(ISSUERS, { audience, tokensMax, leewayMs: LEEWAY_MS });
/** @returns whose it is, or why it is not good */
function verify(token: string, nowMs = NOW_MS, by = tokens()): string {
  const verdict = by.verify(token, nowMs);
  return typeof verdict === 'string' ? verdict : by.memory.subject(verdict);
}
const pear = (more: object = {}) => claims({ iss: 'https://pear.invalid', ...more });

describe('accepted', () => {
  it.each([
    ['HS256', () => hs256(KEYS.apple1)],
    ['HS256, by the second key of its issuer', () => hs256(KEYS.apple2)],
    ['EdDSA', () => eddsa(pear())],
    [
      "a key's name that two issuers share",
      () => hs256(KEYS.plum, claims({ iss: 'https://plum.invalid' })),
    ],
    [
      'one door among other audiences',
      () => hs256(KEYS.apple1, claims({ aud: ['x', 'lookup-http'] })),
    ],
    ['what began just now', () => hs256(KEYS.apple1, claims({ nbf: NOW_S + LEEWAY_MS / 1_000 }))],
  ])('%s', (_, make) => {
    expect(verify(make())).toBe(SUBJECT);
  });
});

describe('refused', () => {
  const xOfPear = { ...KEYS.apple1, kid: 'p-1', k: KEYS.pear.x };
  const refused: [string, string, () => string][] = [
    ['missing', 'nothing', () => ''],
    ['malformed', 'no JWT', () => 'x'],
    ['malformed', 'a header that is no JSON', () => 'AAAA.e30.AA'],
    ['malformed', 'a header that is null', () => `${part(null)}.${part(claims())}.AA`],
    ['malformed', 'what is too long', () => hs256(KEYS.apple1, claims({ x: 'x'.repeat(2_048) }))],
    ['invalid', 'alg none', () => `${part({ alg: 'none', kid: 'a-1' })}.${part(claims())}.`],
    [
      'invalid',
      'alg HS512 by an HS256 key',
      () => hs256(KEYS.apple1, claims(), { alg: 'HS512' }, 'sha512'),
    ],
    [
      'invalid',
      'a header part that must be understood, and is not',
      () => hs256(KEYS.apple1, claims(), { crit: ['b64'], b64: false }),
    ],
    ['invalid', 'an unknown kid', () => hs256({ ...KEYS.apple1, kid: 'a-9' })],
    ['invalid', 'no kid', () => hs256(KEYS.apple1, claims(), { kid: undefined })],
    ['invalid', "another key's signature", () => hs256({ ...KEYS.apple2, kid: 'a-1' })],
    ['invalid', 'HS256 by the x of a public key', () => hs256(xOfPear, pear())],
    ['invalid', 'EdDSA that says HS256', () => eddsa(pear(), { alg: 'HS256' })],
    ['invalid', "one issuer's key for another issuer", () => eddsa(claims())],
    ['invalid', "an issuer's name that its key's namesake has", () => hs256(KEYS.plum)],
    ['invalid', 'a foreign issuer', () => hs256(KEYS.apple1, claims({ iss: 'https://x.invalid' }))],
    ['invalid', 'no issuer', () => hs256(KEYS.apple1, claims({ iss: undefined }))],
    ['invalid', 'no subject', () => hs256(KEYS.apple1, claims({ sub: undefined }))],
    ['invalid', 'a subject of another length', () => hs256(KEYS.apple1, claims({ sub: 'x' }))],
    ['invalid', 'no expiry', () => hs256(KEYS.apple1, claims({ exp: undefined }))],
    ['invalid', 'an expiry in words', () => hs256(KEYS.apple1, claims({ exp: '1e9' }))],
    ['invalid', 'an endless expiry', () => hs256(KEYS.apple1, endless)],
    ['invalid', 'a beginning in words', () => hs256(KEYS.apple1, claims({ nbf: 'now' }))],
    ['invalid', 'no audience', () => hs256(KEYS.apple1, claims({ aud: undefined }))],
    [
      'invalid',
      'both doors',
      () => hs256(KEYS.apple1, claims({ aud: ['lookup-http', 'lookup-gate'] })),
    ],
    ['wrong-door', 'the other door', () => hs256(KEYS.apple1, claims({ aud: 'lookup-gate' }))],
    ['expired', 'what is over', () => hs256(KEYS.apple1, claims({ exp: NOW_S - 60 }))],
    ['not-yet', 'what has not begun', () => hs256(KEYS.apple1, claims({ nbf: NOW_S + 60 }))],
  ];
  it.each(refused)('%s: %s', (fault, _, make) => {
    const checked = tokens();
    expect(checked.verify(make(), NOW_MS)).toBe(fault);
    expect(checked.memory.size).toBe(0);
  });

  it('for the wrong door, also when everything else is right', () => {
    expect(tokens('lookup-gate').verify(hs256(KEYS.apple1), NOW_MS)).toBe('wrong-door');
  });

  it('whatever single character is another one, nobody else is let in by it', () => {
    const token = eddsa(pear());
    const character = fc.constantFrom(...'ABCQgwxyz019-_.=');
    fc.assert(
      fc.property(fc.nat(token.length - 1), character, (at, other) => {
        const forged = token.slice(0, at) + other + token.slice(at + 1);
        // The last character of a part has bits that mean nothing.
        expect([SUBJECT, 'malformed', 'invalid']).toContain(verify(forged));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('time', () => {
  it('is over at its expiry and the leeway, to the millisecond, by the clock that is passed in', () => {
    const token = hs256(KEYS.apple1);
    const overMs = (NOW_S + 60) * 1_000 + LEEWAY_MS;
    expect(verify(token, overMs - 1)).toBe(SUBJECT);
    expect(verify(token, overMs)).toBe('expired');
  });

  it('begins at its beginning less the leeway', () => {
    const token = hs256(KEYS.apple1, claims({ nbf: NOW_S + 30 }));
    const beginsMs = (NOW_S + 30) * 1_000 - LEEWAY_MS;
    expect(verify(token, beginsMs - 1)).toBe('not-yet');
    expect(verify(token, beginsMs)).toBe(SUBJECT);
  });

  it('of a token that a gate reads is short, and so is the token', () => {
    const gate = (more: object) => hs256(KEYS.apple1, claims({ aud: 'lookup-gate', ...more }));
    const most = NOW_S + (GATE_LIFETIME_MAX_MS + LEEWAY_MS) / 1_000;
    const read = (token: string) => verify(token, NOW_MS, tokens('lookup-gate'));
    expect(read(gate({ exp: most }))).toBe(SUBJECT);
    expect(read(gate({ exp: most + 1 }))).toBe('invalid');
    // Claimed to have been made long ago: counted from now all the same.
    expect(read(gate({ exp: most + 1, iat: NOW_S + 100 }))).toBe('invalid');
    expect(read(gate({ x: 'x'.repeat(200) }))).toBe('malformed');
  });
});

describe('what was verified', () => {
  it('is remembered, and no longer than it is good', () => {
    const checked = tokens();
    const token = hs256(KEYS.apple1);
    const first = checked.verify(token, NOW_MS);
    expect(checked.memory.find(token)).toBe(first);
    expect(checked.verify(token, NOW_MS + 64_999)).toBe(first);
    expect(checked.memory.size).toBe(1);
    expect(checked.verify(token, NOW_MS + 65_000)).toBe('expired');
    expect(checked.memory.size).toBe(0);
    expect(checked.memory.find(token)).toBe(NOWHERE);
    expect(checked.verify(token, NOW_MS + 65_000)).toBe('expired');
  });

  it('is bounded: who was seen longest ago is verified again', () => {
    const checked = tokens('lookup-http', 10);
    const all = Array.from({ length: 30 }, (_, n) => hs256(KEYS.apple1, claims({ n })));
    const first = all.map((token) => checked.verify(token, NOW_MS));
    expect(checked.memory.size).toBe(10);
    expect(checked.verify(all[29] as string, NOW_MS)).toBe(first[29]);
    expect(verify(all[0] as string, NOW_MS, checked)).toBe(SUBJECT);
    expect(checked.verify(all[0] as string, NOW_MS)).not.toBe(first[0]);
  });

  it('is forgotten when told to', () => {
    const checked = tokens();
    const token = hs256(KEYS.apple1);
    const first = checked.verify(token, NOW_MS);
    checked.memory.clear();
    expect(checked.memory.size).toBe(0);
    expect(checked.memory.find(token)).toBe(NOWHERE);
    expect(checked.verify(token, NOW_MS)).not.toBe(first);
  });

  it('is good again only when it is verified again', () => {
    const checked = tokens('lookup-http', 1);
    const [first, other] = [hs256(KEYS.apple1), hs256(KEYS.apple2)];
    const place = checked.verify(first, NOW_MS);
    expect(checked.verify(other, NOW_MS)).not.toBe(place);
    expect(checked.memory.find(first)).toBe(NOWHERE);
    expect(verify(first, NOW_MS, checked)).toBe(SUBJECT);
  });

  it.each([
    ['HS256', () => hs256(KEYS.apple1), 4],
    ['EdDSA', () => eddsa(pear()), 16],
  ])('is spelled in one way, though %s has bits to spare at its end', (_, make, spellings) => {
    const token = make();
    const signature = (one: string) =>
      Buffer.from(one.slice(one.lastIndexOf('.') + 1), 'base64url');
    const checked = tokens();
    expect(verify(token, NOW_MS, checked)).toBe(SUBJECT);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const others = [...letters]
      .map((letter) => token.slice(0, -1) + letter)
      .filter((one) => one !== token && signature(one).equals(signature(token)));
    expect(others).toHaveLength(spellings - 1);
    for (const other of others) expect(verify(other, NOW_MS, checked)).toBe('malformed');
    expect(checked.memory.size).toBe(1);
  });

  it('is not good for who spells it differently, though the library may read it so', () => {
    const checked = tokens();
    const token = hs256(KEYS.apple1);
    expect(verify(token, NOW_MS, checked)).toBe(SUBJECT);
    for (const spelled of [`${token}\u00e9`, `${token}\ud83d`, `${token.slice(0, -1)}\u0141`])
      expect(['malformed', 'invalid']).toContain(verify(spelled, NOW_MS, checked));
    expect(checked.memory.size).toBe(1);
  });
});
