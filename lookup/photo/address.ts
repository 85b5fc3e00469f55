// Photo addresses: an image element can send no header, so the address itself is signed, and expires.

import {
  type Cipher,
  createCipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import type { PhotoId } from '../health-code.ts';

export interface PhotoKey {
  readonly id: string;
  readonly secret: KeyObject;
}

/** The first signs; all verify. Every process has the same file, so any of them verifies what another signed. */
export type PhotoKeys = readonly PhotoKey[];

/** The key file is not one. Names the file and the place in it. */
export class PhotoKeysError extends Error {
  override readonly name = 'PhotoKeysError';
}

const KEY_ID = /^[a-z0-9-]{1,16}$/;
const SECRET_BYTES_MIN = 32;

/** @param allowDemo whether a file marked `"demo": true` may be used */
export function readPhotoKeys(path: string, options: { allowDemo: boolean }): PhotoKeys {
  const fail = (what: string): never => {
    throw new PhotoKeysError(`${path}: ${what}`);
  };
  let file: { demo?: boolean; keys?: { id?: string; secret?: string }[] };
  try {
    file = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`cannot be read: ${(error as Error).message}`);
  }
  if (file.demo && !options.allowDemo)
    fail('these are demo keys, which are refused here: make keys of your own');
  if (!Array.isArray(file.keys) || file.keys.length === 0)
    return fail('"keys" must be a list with at least one');
  const ids = new Set<string>();
  return file.keys.map(({ id, secret }, i) => {
    const bytes = Buffer.from(secret ?? '', 'base64url');
    if (!id || !KEY_ID.test(id)) return fail(`keys[${i}].id must match ${KEY_ID.source}`);
    if (ids.has(id)) fail(`keys[${i}].id "${id}" is there twice`);
    if (bytes.length < SECRET_BYTES_MIN)
      fail(`keys[${i}].secret must be at least ${SECRET_BYTES_MIN} bytes of base64url`);
    ids.add(id);
    return { id, secret: createSecretKey(bytes) };
  });
}

export type AddressVerdict = 'ok' | 'expired' | 'invalid';

/** 128 bits: a photo id is as long, and so is the block that is enciphered. */
const SIGNATURE_BYTES = 16;
const SIGNATURE_LENGTH = 22;

/** Key ids and periods that are live at a time are few; what does not come from here could be any number. */
const BLOCKS_MAX = 64;

/** How far ahead of ours a signer's clock may be, in periods, before its address is not believed. */
const PERIODS_AHEAD = 3;

/**
 * The signature is AES-128 of the photo id, under a key made by HMAC-SHA256 from the file's secret and the expiry. A
 * block cipher is a pseudorandom function of its one block, so nobody without the key can tell it for another id; and
 * one cipher object per key and hour makes it a tenth of the cost of an HMAC for each address.
 */
export class PhotoAddresses {
  readonly #signing: PhotoKey;
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #addressMs: number;
  readonly #clock: Clock;
  readonly #blocks = new Map<string, Cipher>();

  constructor(keys: PhotoKeys, options: { addressMs: number; clock: Clock }) {
    this.#signing = keys[0] as PhotoKey;
    this.#keys = new Map(keys.map(({ id, secret }) => [id, secret]));
    this.#addressMs = options.addressMs;
    this.#clock = options.clock;
  }

  /** An address made in one period stands, the same, for all of it: browsers and phones keep the image. */
  periodOf(nowWallMs: number): number {
    return Math.floor(nowWallMs / this.#addressMs);
  }

  /** `/v1/photo/<id>?exp=<seconds>&sig=<key id>.<signature>`, good for one to two periods. */
  address(photo: PhotoId, nowWallMs: number): string {
    const exp = this.#expiryOf(this.periodOf(nowWallMs) + 2);
    const { id, secret } = this.#signing;
    const signature = this.#sign(id, secret, photo, exp).toString('base64url');
    return `/v1/photo/${photo}?exp=${exp}&sig=${id}.${signature}`;
  }

  verify(photo: PhotoId, { exp, sig }: { exp: string; sig: string }): AddressVerdict {
    const dot = sig.indexOf('.');
    const id = sig.slice(0, dot);
    const secret = this.#keys.get(id);
    if (dot < 1 || !secret || !/^[1-9]\d{0,11}$/.test(exp)) return 'invalid';
    const now = this.#clock.wallMs();
    const expires = Number(exp);
    const period = Math.round((expires * 1_000) / this.#addressMs);
    // Nothing is signed for any other time: the number of keys in use stays small.
    if (expires !== this.#expiryOf(period) || period > this.periodOf(now) + PERIODS_AHEAD)
      return 'invalid';
    if (expires * 1_000 <= now) return 'expired';
    const given = Buffer.from(sig.slice(dot + 1), 'base64url');
    if (sig.length - dot - 1 !== SIGNATURE_LENGTH || given.length !== SIGNATURE_BYTES)
      return 'invalid';
    return timingSafeEqual(given, this.#sign(id, secret, photo, expires)) ? 'ok' : 'invalid';
  }

  #expiryOf(period: number): number {
    return Math.floor((period * this.#addressMs) / 1_000);
  }

  #sign(id: string, secret: KeyObject, photo: PhotoId, exp: number): Buffer {
    const name = `${id}.${exp}`;
    let block = this.#blocks.get(name);
    if (!block) {
      if (this.#blocks.size >= BLOCKS_MAX) this.#blocks.clear();
      const key = createHmac('sha256', secret)
        .update(`photo address until ${exp}`)
        .digest()
        .subarray(0, 16);
      block = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
      this.#blocks.set(name, block);
    }
    return block.update(photo, 'base64url');
  }
}
