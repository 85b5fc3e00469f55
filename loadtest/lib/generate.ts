// The made people as lines of CSV, for `lookup import -` and `lookup import-areas -`; and the photos that exist.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AREAS, hasBytes, personAt, subjectAt } from './population.ts';
import { headAt, IMAGES, type Image, imageOf, sizeAt } from './portrait.ts';

const COLORS = ['', 'green', 'yellow', 'red'];
const PEOPLE_HEADER = 'subject,color,areas,photo\n';
/** People in one piece of text: about 300 kB. */
const PIECE = 5_000;

/** All areas, their floors green. */
export function areaLines(): string {
  const lines = Array.from({ length: AREAS }, (_, i) => `${i + 1},made area ${i + 1},green\n`);
  return `id,name,floor\n${lines.join('')}`;
}

/** Pieces of text, a line for each of the people 0 to `people` - 1. */
export function* peopleLines(people: number, seed: number): Generator<string> {
  yield PEOPLE_HEADER;
  for (let done = 0; done < people; done += PIECE) {
    let text = '';
    for (let index = done; index < Math.min(done + PIECE, people); index++)
      text += lineOf(index, seed, photoIdAt(index, seed));
    yield text;
  }
}

/** As above, of those only whose photo exists, which is written to `dir` as a file that the line names. */
export function* photoLines(people: number, seed: number, dir: string): Generator<string> {
  mkdirSync(dir, { recursive: true });
  yield PEOPLE_HEADER;
  for (let index = 0; index < people; index++) {
    if (!hasBytes(index, seed)) continue;
    const name = `${subjectAt(index, seed)}.png`;
    writeFileSync(join(dir, name), photoBytes(index, seed));
    yield lineOf(index, seed, name);
  }
}

function lineOf(index: number, seed: number, photo: string): string {
  const { subject, color, areas } = personAt(index, seed);
  return `${subject},${COLORS[color]},${areas.join('|')},${photo}\n`;
}

export function photoIdAt(index: number, seed: number): string {
  const { photo } = personAt(index, seed);
  if (photo !== undefined) return photo;
  const hash = createHash('sha256').update(photoBytes(index, seed));
  return hash.digest().subarray(0, 16).toString('base64url');
}

/** Of somebody whose photo exists. */
export function photoBytes(index: number, seed: number): Buffer {
  const { height, tail } = imageAt(sizeAt(index, seed));
  return Buffer.concat([headAt(index, seed, height), tail]);
}

const images: (Image | undefined)[] = Array.from({ length: IMAGES });

function imageAt(size: number): Image {
  images[size] ??= imageOf(size);
  return images[size];
}
