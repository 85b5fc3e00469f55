import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Color,
  colorName,
  colorOf,
  effectiveColor,
  GREEN,
  idToUuid,
  isId,
  RED,
  uuidToId,
  worse,
  YELLOW,
} from './health-code.ts';

const colors = fc.constantFrom<Color>(GREEN, YELLOW, RED);

describe('the effective color', () => {
  it('is the worst of own color and floors, in whatever order they come', () => {
    fc.assert(
      fc.property(colors, fc.array(colors, { maxLength: 8 }), (own, floors) => {
        const color = effectiveColor(own, floors);
        expect(color).toBe(Math.max(own, ...floors));
        expect(effectiveColor(own, floors.toReversed())).toBe(color);
      }),
    );
  });

  it('is not known while one floor is not, even when nothing could be worse', () => {
    const floors = fc.array(colors, { maxLength: 7 });
    fc.assert(
      fc.property(colors, floors, fc.nat(7), (own, known, at) => {
        expect(effectiveColor(own, known.toSpliced(at, 0, undefined as never))).toBeUndefined();
      }),
    );
    expect(effectiveColor(RED, [undefined])).toBeUndefined();
  });

  it('orders green, yellow, red', () => {
    expect([worse(GREEN, YELLOW), worse(YELLOW, RED), worse(RED, GREEN)]).toEqual([
      YELLOW,
      RED,
      RED,
    ]);
  });
});

describe("a color's name", () => {
  it('names it, and nothing else names one', () => {
    for (const color of [GREEN, YELLOW, RED] as const)
      expect(colorOf(colorName(color))).toBe(color);
    for (const other of ['', 'Green', 'blue', ' red', 'constructor'])
      expect(colorOf(other)).toBeUndefined();
  });
});

describe('an id', () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });

  it('is its 16 bytes as 22 characters, and the uuid that the source has', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const id = Buffer.from(raw).toString('base64url');
        expect(isId(id)).toBe(true);
        const uuid = idToUuid(id);
        expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        expect(uuid.replaceAll('-', '')).toBe(Buffer.from(raw).toString('hex'));
        expect(uuidToId(uuid)).toBe(id);
      }),
    );
  });

  it('has one spelling only: what decodes to the same bytes otherwise is none', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...'BCDRSTZhijvxyz0123456789-_'), (raw, last) => {
        const id = Buffer.from(raw).toString('base64url');
        expect(isId(id.slice(0, -1) + last)).toBe(false);
      }),
    );
  });

  it.each([
    '',
    'AAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAA+A',
    'AAAAAAAAAAAAAAAAAAAA/A',
    'AAAAAAAAAAAAAAAAAAAA==',
    'AAAAAAAAAAAAAAAAAAAAA\n',
    'AAAAAAAAAAAAAAAAAAAÄAA',
    '00000000-0000-0000-0000-000000000001',
  ])('is not %j', (text) => {
    expect(isId(text)).toBe(false);
  });

  it('of a photo is the beginning of the hash of its bytes, written like a subject', () => {
    const hash = createHash('sha256').update('made').digest();
    expect(isId(hash.subarray(0, 16).toString('base64url'))).toBe(true);
  });
});
