import { describe, expect, it } from 'vitest';
import { edwardsKey, hmacKey, issuer, issuersOf, readingFile } from '../../test/issuers.ts';
import { IssuersError, readIssuers } from './issuers.ts';

const read = (content: unknown) =>
  readingFile(content, (path) => readIssuers(path, { allowDemo: false }));

describe('an issuers file', () => {
  it('gives each issuer with its keys, in their order', () => {
    const pear = edwardsKey('p-1');
    const issuers = issuersOf(
      issuer('apple', hmacKey('a-1'), { ...hmacKey('a-2'), alg: undefined }),
      issuer('pear', pear, { ...edwardsKey('p-2'), d: undefined, alg: undefined }),
    );
    expect(issuers.map(({ name, keys }) => [name, keys.map(({ kid, alg }) => [kid, alg])])).toEqual(
      [
        [
          'apple',
          [
            ['a-1', 'HS256'],
            ['a-2', 'HS256'],
          ],
        ],
        [
          'pear',
          [
            ['p-1', 'EdDSA'],
            ['p-2', 'EdDSA'],
          ],
        ],
      ],
    );
    // Only what verifies is made of a pair; the private half is for minting.
    expect(issuers[1]?.keys[0]?.verifying.type).toBe('public');
    expect(issuers[1]?.keys[0]?.jwk.d).toBe(pear.d);
  });

  it('of the demo is refused, unless it is asked for', () => {
    const demo = { demo: true, issuers: [issuer('apple', hmacKey('a-1'))] };
    expect(() => read(demo)).toThrow(/demo keys/);
    expect(readingFile(demo, (path) => readIssuers(path, { allowDemo: true })).length).toBe(1);
  });

  it('may name a key as another issuer names one of its own', () => {
    expect(issuersOf(issuer('a', hmacKey('k')), issuer('b', hmacKey('k'))).length).toBe(2);
  });

  const short = { ...hmacKey('k'), k: Buffer.alloc(31).toString('base64url') };
  const wrong: [string, unknown, RegExp][] = [
    ['no JSON', '{', /cannot be read/],
    ['a list', [], /"issuers" must be a list/],
    ['no issuers', { issuers: [] }, /"issuers" must be a list with at least one/],
    ['an issuer that is null', { issuers: [null] }, /issuers\[0\]\.issuer must be a text/],
    ['an issuer without its "iss"', { issuers: [{ name: 'a' }] }, /issuers\[0\]\.issuer/],
    ['a name with blanks', { issuers: [issuer('a b')] }, /issuers\[0\]\.name must match/],
    ['no keys', { issuers: [issuer('a')] }, /issuers\[0\]\.keys must be a JWKS/],
    [
      'the same issuer twice',
      { issuers: [issuer('a', hmacKey('k')), issuer('a', hmacKey('l'))] },
      /twice/,
    ],
    [
      'the same kid twice',
      { issuers: [issuer('a', hmacKey('k'), hmacKey('k'))] },
      /kid "k" is there twice/,
    ],
    ['no kid', { issuers: [issuer('a', { ...hmacKey('k'), kid: undefined })] }, /keys\[0\]\.kid/],
    [
      'a secret of 31 bytes',
      { issuers: [issuer('a', hmacKey('j'), short)] },
      /keys\[1\]\.k must be at least 32/,
    ],
    ['HS512', { issuers: [issuer('a', { ...hmacKey('k'), alg: 'HS512' })] }, /\.alg must be HS256/],
    ['RSA', { issuers: [issuer('a', { kty: 'RSA', kid: 'k' })] }, /kty must be oct .* or OKP/],
    [
      'another curve',
      { issuers: [issuer('a', { ...edwardsKey('k'), crv: 'X25519' })] },
      /kty must be/,
    ],
    [
      'ES256 for Ed25519',
      { issuers: [issuer('a', { ...edwardsKey('k'), alg: 'ES256' })] },
      /\.alg must be EdDSA/,
    ],
    [
      'a torn public key',
      { issuers: [issuer('a', { ...edwardsKey('k'), x: 'AAAA' })] },
      /\.x is no Ed25519/,
    ],
  ];
  it.each(wrong)('with %s is refused, naming the file and the place', (_, content, message) => {
    expect(() => read(content)).toThrow(IssuersError);
    expect(() => read(content)).toThrow(/made\.json/);
    expect(() => read(content)).toThrow(message);
  });

  it('that is not there is named', () => {
    expect(() => readIssuers('/nowhere/issuers.json', { allowDemo: false })).toThrow(
      /^\/nowhere\/issuers\.json: cannot be read: ENOENT/,
    );
  });

  it('never has a secret in what is said about it', () => {
    const key = { ...hmacKey('k'), alg: 'HS512' };
    try {
      read({ issuers: [issuer('a', key)] });
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).not.toContain(key.k);
    }
  });
});
