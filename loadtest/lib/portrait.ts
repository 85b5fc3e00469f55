// The photos whose bytes exist: gray PNGs of 8 to 40 kB, a face in noise. What makes one person's bytes their own is a
// line of text in front of the image, and the images come in a few sizes only: k6 makes those once and hashes
// the rest natively, so that it knows each photo's id without a list. Imports nothing but the formula of people.

import { mix } from './population.ts';

/** An 8-bit gray image. */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** The IDAT and IEND chunks. */
  readonly tail: Uint8Array;
}

export const IMAGES = 8;
const WIDTH = 128;

/** @param size from 0 to {@link IMAGES} - 1 */
export function imageOf(size: number): Image {
  const height = 64 + size * 34;
  const rows = new Uint8Array((WIDTH + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const noise = mix((size << 20) ^ (y << 10) ^ x) & 63;
      rows[y * (WIDTH + 1) + 1 + x] = noise + (isFace(x, y, height) ? 160 : 32);
    }
  }
  const tail = [...chunk('IDAT', stored(rows)), ...chunk('IEND', [])];
  return { width: WIDTH, height, tail: Uint8Array.from(tail) };
}

const isFace = (x: number, y: number, height: number) => {
  const [dx, dy] = [(x - WIDTH / 2) * height, (y - height / 2) * WIDTH];
  return (dx * dx + dy * dy) * 9 < WIDTH * WIDTH * height * height;
};

export const sizeAt = (index: number, seed: number): number => mix(index ^ mix(~seed)) % IMAGES;

/** What goes before the tail of the image of {@link sizeAt}. */
export function headAt(index: number, seed: number, height: number): Uint8Array {
  const header = [...number(WIDTH), ...number(height), 8, 0, 0, 0, 0];
  const text = [...latin('Comment'), 0, ...latin(`made person ${index} of city ${seed}`)];
  return Uint8Array.from([...SIGNATURE, ...chunk('IHDR', header), ...chunk('tEXt', text)]);
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

const number = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const latin = (text: string) => Array.from(text, (char) => char.charCodeAt(0));

function chunk(type: string, data: readonly number[]): number[] {
  const body = [...latin(type), ...data];
  return [...number(data.length), ...body, ...number(crc32(body))];
}

/** zlib's format without compression: noise would not become smaller. */
function stored(bytes: Uint8Array): number[] {
  const { length } = bytes;
  const size = [length & 255, length >>> 8, ~length & 255, (~length >>> 8) & 255];
  return [0x78, 0x01, 1, ...size, ...bytes, ...number(adler32(bytes))];
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return ((b << 16) | a) >>> 0;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC[(crc ^ byte) & 255] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
