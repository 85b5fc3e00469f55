// Photo ids as the formula has them, the hashes of existing bytes among them (k6).

import crypto from 'k6/crypto';
import { SharedArray } from 'k6/data';
import encoding from 'k6/encoding';
import { photoAt } from './population.ts';
import { headAt, IMAGES, imageOf, sizeAt } from './portrait.ts';

/** Made once for all virtual users, as text: each decodes the few that it meets. */
const images = new SharedArray('images', () =>
  Array.from({ length: IMAGES }, (_, size) => {
    const { height, tail } = imageOf(size);
    return { height, tail: encoding.b64encode(tail.buffer as ArrayBuffer) };
  }),
);

export function photoIdAt(index: number, seed: number): string {
  const photo = photoAt(index, seed);
  if (photo !== undefined) return photo;
  const { height, tail } = images[sizeAt(index, seed)] as { height: number; tail: string };
  const hash = crypto.createHash('sha256');
  hash.update(headAt(index, seed, height).buffer as ArrayBuffer);
  hash.update(encoding.b64decode(tail));
  return idOf(hash.digest('binary'));
}

/** What a photo with these bytes is called. */
export const photoIdOf = (bytes: ArrayBuffer): string => idOf(crypto.sha256(bytes, 'binary'));

const idOf = (hash: ArrayBuffer) => encoding.b64encode(hash.slice(0, 16), 'rawurl');
