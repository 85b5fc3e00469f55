// A canvas of palette indices, just enough to draw a face: convex shapes, filled with soft edges, as a small PNG.
// Only edge pixels cost anything: their mixes of two colors become palette entries of their own.

import { deflateSync } from 'node:zlib';

/** Red, green, blue, 8 bits each: 0xrrggbb. */
export type Rgb = number;

/** From where to where a shape reaches at one height. Nothing there: `to` is not above `from`. */
export interface Reach {
  from: number;
  to: number;
}

/** A convex shape, known by its reach at each height between `top` and `bottom`. */
export interface Shape {
  readonly top: number;
  readonly bottom: number;
  /** Written into `out`, and not returned: this is the inner loop. */
  at(y: number, out: Reach): void;
}

export function ellipse(cx: number, cy: number, rx: number, ry: number): Shape {
  return {
    top: cy - ry,
    bottom: cy + ry,
    at(y, out) {
      const t = (y - cy) / ry;
      const half = t <= -1 || t >= 1 ? -1 : rx * Math.sqrt(1 - t * t);
      out.from = cx - half;
      out.to = cx + half;
    },
  };
}

/** Its sides go straight from the upper to the lower edge. */
export function trapezoid(upper: Reach & { y: number }, lower: Reach & { y: number }): Shape {
  return {
    top: upper.y,
    bottom: lower.y,
    at(y, out) {
      const part = (y - upper.y) / (lower.y - upper.y);
      out.from = upper.from + (lower.from - upper.from) * part;
      out.to = upper.to + (lower.to - upper.to) * part;
    },
  };
}

export function box(x: number, y: number, width: number, height: number): Shape {
  return {
    top: y,
    bottom: y + height,
    at(_y, out) {
      out.from = x;
      out.to = x + width;
    },
  };
}

/** What lies in both. */
export function both(a: Shape, b: Shape): Shape {
  const other: Reach = { from: 0, to: 0 };
  return {
    top: Math.max(a.top, b.top),
    bottom: Math.min(a.bottom, b.bottom),
    at(y, out) {
      a.at(y, out);
      b.at(y, other);
      if (other.from > out.from) out.from = other.from;
      if (other.to < out.to) out.to = other.to;
    },
  };
}

const LINES = 3; // looks at each row so many times: with steps of a quarter, soft enough at this size

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #rows: Uint8Array; // each row begins with its PNG filter, 0 (none)
  readonly #palette: Rgb[];
  readonly #indexOf = new Map<Rgb, number>();
  readonly #from = new Float64Array(LINES);
  readonly #to = new Float64Array(LINES);
  readonly #reach: Reach = { from: 0, to: 0 };

  constructor(width: number, height: number, background: Rgb) {
    this.width = width;
    this.height = height;
    this.#rows = new Uint8Array((width + 1) * height);
    this.#palette = [background];
    this.#indexOf.set(background, 0);
  }

  fill(color: Rgb, shape: Shape): void {
    const index = this.#index(color);
    const last = Math.min(this.height, Math.ceil(shape.bottom));
    for (let y = Math.max(0, Math.floor(shape.top)); y < last; y++) this.#fillRow(index, shape, y);
  }

  #fillRow(index: number, shape: Shape, y: number): void {
    const reach = this.#reach;
    let outerFrom = Number.POSITIVE_INFINITY;
    let outerTo = Number.NEGATIVE_INFINITY;
    let innerFrom = Number.NEGATIVE_INFINITY;
    let innerTo = Number.POSITIVE_INFINITY;
    for (let i = 0; i < LINES; i++) {
      const line = y + (i + 0.5) / LINES;
      let from = 0;
      let to = 0;
      if (line >= shape.top && line < shape.bottom) {
        shape.at(line, reach);
        from = Math.max(reach.from, 0);
        to = Math.min(reach.to, this.width);
      }
      this.#from[i] = from;
      this.#to[i] = to;
      if (to <= from) {
        innerTo = Number.NEGATIVE_INFINITY;
        continue;
      }
      if (from < outerFrom) outerFrom = from;
      if (to > outerTo) outerTo = to;
      if (from > innerFrom) innerFrom = from;
      if (to < innerTo) innerTo = to;
    }
    if (outerTo <= outerFrom) return;
    const start = y * (this.width + 1) + 1;
    const first = Math.floor(outerFrom);
    const end = Math.ceil(outerTo);
    const solidFrom = Math.ceil(innerFrom);
    const solidTo = Math.floor(innerTo);
    if (solidTo <= solidFrom) {
      this.#fillEdge(index, start, first, end);
      return;
    }
    this.#fillEdge(index, start, first, solidFrom);
    this.#rows.fill(index, start + solidFrom, start + solidTo);
    this.#fillEdge(index, start, solidTo, end);
  }

  #fillEdge(index: number, start: number, first: number, end: number): void {
    for (let x = first; x < end; x++) {
      let covered = 0;
      for (let i = 0; i < LINES; i++) {
        const part = Math.min(x + 1, this.#to[i] as number) - Math.max(x, this.#from[i] as number);
        if (part > 0) covered += part;
      }
      const at = start + x;
      const quarters = Math.round((covered / LINES) * 4);
      if (quarters > 0) this.#rows[at] = this.#mix(this.#rows[at] as number, index, quarters);
    }
  }

  #mix(under: number, over: number, quarters: number): number {
    if (quarters >= 4 || under === over) return over;
    const a = this.#palette[under] as Rgb;
    const b = this.#palette[over] as Rgb;
    const channel = (shift: number) =>
      ((((a >> shift) & 255) * (4 - quarters) + ((b >> shift) & 255) * quarters) >> 2) << shift;
    return this.#index(channel(16) | channel(8) | channel(0), quarters >= 2 ? over : under);
  }

  /** @param otherwise the index to take when the palette is full */
  #index(color: Rgb, otherwise = 0): number {
    const known = this.#indexOf.get(color);
    if (known !== undefined) return known;
    if (this.#palette.length === 256) return otherwise;
    this.#indexOf.set(color, this.#palette.length);
    return this.#palette.push(color) - 1;
  }

  png(): Buffer {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(this.width, 0);
    header.writeUInt32BE(this.height, 4);
    header.set([8, 3, 0, 0, 0], 8); // 8 bits a pixel, by palette
    const palette = Buffer.alloc(this.#palette.length * 3);
    for (let i = 0; i < this.#palette.length; i++)
      palette.writeUIntBE(this.#palette[i] as Rgb, i * 3, 3);
    return Buffer.concat([
      SIGNATURE,
      chunk('IHDR', header),
      chunk('PLTE', palette),
      chunk('IDAT', deflateSync(this.#rows, { level: 2, memLevel: 6, windowBits: 13 })),
      chunk('IEND', Buffer.alloc(0)),
    ]);
  }
}

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

function chunk(type: string, data: Buffer): Buffer {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, data.length + 8)), data.length + 8);
  return out;
}

// node:zlib has its own crc32 only from Node 20.15 on.
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++)
    crc = (CRC_TABLE[(crc ^ (bytes[i] as number)) & 255] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
