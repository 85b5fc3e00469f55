import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readingFile } from '../../test/issuers.ts';
import { ManualClock } from '../clock.ts';
import { type AddressVerdict, PhotoAddresses, PhotoKeysError, readPhotoKeys } from './address.ts';

const HOUR_MS = 3_600_000;
const PHOTO = Buffer.alloc(16, 9).toString('base64url');
const OTHER = Buffer.alloc(16, 8).toString('base64url');

const key = (id: string, bytes = 32) => ({ id, secret: randomBytes(bytes).toString('base64url') });
const read = (content: unknown) =>
  readingFile(content, (path) => readPhotoKeys(path, { allowDemo: false }));
const [OLD, NEW, FOREIGN] = [key('old'), key('new'), key('old')];

/** A process with these keys: the first signs. */
function processOf(keys: object[], clock = new ManualClock()) {
  const addresses = new PhotoAddresses(read({ keys }), { addressMs: HOUR_MS, clock });
  const make = (photo = PHOTO) => addresses.address(photo, clock.wallMs());
  const check = (address: string, photo = PHOTO): AddressVerdict => {
    const query = new URL(address, 'http://lookup.invalid').searchParams;
    return addresses.verify(photo, { exp: query.get('exp') ?? '', sig: query.get('sig') ?? '' });
  };
  return { clock, addresses, make, check };
}

describe('a photo address', () => {
  it('names the photo, its expiry and the key, and is good', () => {
    const { make, check } = processOf([NEW, OLD]);
    expect(make()).toMatch(
      new RegExp(`^/v1/photo/${PHOTO}\\?exp=[1-9]\\d{9}&sig=new\\.[A-Za-z0-9_-]{22}$`),
    );
    expect(check(make())).toBe('ok');
  });

  it('is the same for a whole period, and good for one to two', () => {
    const { clock, make, check } = processOf([NEW]);
    clock.stepWall(HOUR_MS - (clock.wallMs() % HOUR_MS));
    const first = make();
    clock.advance(HOUR_MS - 1);
    expect(make()).toBe(first);
    const last = make();
    clock.advance(1);
    expect(make()).not.toBe(first);
    clock.advance(HOUR_MS - 1);
    expect(check(last)).toBe('ok');
    clock.advance(1);
    expect(check(last)).toBe('expired');
  });

  it('is verified by every process that has the key, whichever of them signs', () => {
    const [before, during, after] = [[OLD], [NEW, OLD], [NEW]].map((keys) => processOf(keys));
    const [byOld, byNew] = [before?.make() ?? '', after?.make() ?? ''];
    expect(during?.make()).toBe(byNew);
    expect([byOld, byNew].map((address) => during?.check(address))).toEqual(['ok', 'ok']);
    expect([before?.check(byNew), after?.check(byOld)]).toEqual(['invalid', 'invalid']);
  });

  it('is good for one photo only', () => {
    const { make, check } = processOf([NEW]);
    expect(check(make(), OTHER)).toBe('invalid');
    expect(make(OTHER).slice(-22)).not.toBe(make().slice(-22));
  });

  it('by a key of the same name and another secret is not', () => {
    expect(processOf([OLD]).check(processOf([FOREIGN]).make())).toBe('invalid');
  });

  it.each([
    ['no expiry', (address: string) => address.replace(/exp=\d+/, 'exp=')],
    [
      'a longer one',
      (address: string) => address.replace(/exp=(\d+)/, (_, s) => `exp=${+s + 3_600}`),
    ],
    [
      'one between periods',
      (address: string) => address.replace(/exp=(\d+)/, (_, s) => `exp=${+s + 1}`),
    ],
    ['one spelled another way', (address: string) => address.replace('exp=', 'exp=0')],
    ['one far ahead', (address: string) => address.replace(/exp=\d+/, 'exp=999999999999')],
    ['no signature', (address: string) => address.replace(/sig=.*/, '')],
    ['no key', (address: string) => address.replace('sig=new', 'sig=')],
    ['another key', (address: string) => address.replace('sig=new', 'sig=newer')],
    ['a shorter signature', (address: string) => address.slice(0, -1)],
    ['a longer signature', (address: string) => `${address}A`],
    ['a signature that ends otherwise', (address: string) => `${address}!`],
    ['a padded signature', (address: string) => `${address.slice(0, -1)}=`],
  ])('with %s is invalid', (_, change) => {
    const { make, check } = processOf([NEW]);
    expect(change(make())).not.toBe(make());
    expect(check(change(make()))).toBe('invalid');
  });

  it('is invalid when any character of the signature is another one', () => {
    const { make, check } = processOf([NEW]);
    const address = make();
    const at = fc.integer({ min: 1, max: 21 });
    fc.assert(
      fc.property(at, fc.constantFrom(...'ABQgwxyz09-_'), (fromEnd, other) => {
        const i = address.length - 1 - fromEnd;
        fc.pre(address[i] !== other);
        expect(check(address.slice(0, i) + other + address.slice(i + 1))).toBe('invalid');
      }),
    );
  });

  it('of a signer whose clock is a little ahead is believed, of one far ahead is not', () => {
    const [here, ahead] = [processOf([NEW]), processOf([NEW])];
    ahead.clock.stepWall(HOUR_MS);
    expect(here.check(ahead.make())).toBe('ok');
    ahead.clock.stepWall(2 * HOUR_MS);
    expect(here.check(ahead.make())).toBe('invalid');
  });

  it('stays right however many periods and keys went by', () => {
    const { clock, make, check } = processOf([NEW, OLD]);
    for (let hour = 0; hour < 200; hour++) {
      expect(check(make())).toBe('ok');
      clock.advance(HOUR_MS);
    }
  });
});

describe('a photo key file', () => {
  it.each([
    ['no JSON', '{', /cannot be read/],
    ['no keys', { keys: [] }, /"keys" must be a list/],
    ['demo keys', { demo: true, keys: [key('a')] }, /demo keys/],
    ['a name with capitals', { keys: [key('A')] }, /keys\[0\]\.id must match/],
    ['no name', { keys: [{ secret: key('a').secret }] }, /keys\[0\]\.id must match/],
    ['the same name twice', { keys: [key('a'), key('a')] }, /keys\[1\]\.id "a" is there twice/],
    ['a short secret', { keys: [key('a', 31)] }, /keys\[0\]\.secret must be at least 32 bytes/],
  ])('with %s is refused', (_, content, message) => {
    expect(() => read(content)).toThrow(PhotoKeysError);
    expect(() => read(content)).toThrow(message);
  });
});
