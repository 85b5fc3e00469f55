// Made faces: drawn by code from a number, of nobody real. About 3 kB each, a few hundred microseconds.

import { Random } from './random.ts';
import { both, box, Canvas, ellipse, type Rgb, type Shape, trapezoid } from './raster.ts';

export const PORTRAIT_WIDTH = 144;
export const PORTRAIT_HEIGHT = 180;

const SKINS: readonly Rgb[] = [
  0xffe0c7, 0xf8d3b0, 0xf1c39a, 0xe6b083, 0xd29a6b, 0xb97f52, 0x99653f, 0x774b2f, 0x5b3826,
];
const HAIRS: readonly Rgb[] = [
  0x1f1a1c, 0x2b2020, 0x1b1b24, 0x3d2a22, 0x563524, 0x7a4a2a, 0xa9713a, 0xd9b36c, 0x8d8d93,
  0xc9c9ce, 0x6d2e2a,
];
const CLOTHES: readonly Rgb[] = [
  0x2f5d8a, 0xc8553d, 0x3b8c6e, 0x6a4c93, 0xe0a030, 0x31393f, 0xd8dde2, 0x9c3d54, 0x4aa5b8,
  0x7b8f3a, 0x1e2f4f, 0xe88f8f,
];
const BACKGROUNDS: readonly Rgb[] = [
  0xd6e8f5, 0xf7e3d0, 0xdcefdc, 0xe9e0f4, 0xfbe9ef, 0xe6eceb, 0xfff1c9, 0xd5eeee, 0xe3e3e8,
];
const HATS: readonly Rgb[] = [0xb23a48, 0x2a6f97, 0x386641, 0xf2b134, 0x5f4b8b, 0x343a40, 0xe76f51];
const INK = 0x2a2225;
const WHITE = 0xffffff;

type Hair = 'bald' | 'short' | 'swept' | 'fringe' | 'curls' | 'long' | 'bob' | 'bun' | 'braids';
const HAIR_STYLES: readonly Hair[] = [
  ...(['short', 'short', 'swept', 'swept', 'fringe', 'curls', 'long', 'long', 'bob'] as const),
  ...(['bob', 'bun', 'braids', 'bald'] as const),
];
type Hat = 'cap' | 'beanie' | 'straw' | 'scarf' | undefined;

interface Face {
  readonly random: Random;
  readonly canvas: Canvas;
  readonly skin: Rgb;
  readonly shade: Rgb;
  readonly hairColor: Rgb;
  readonly hair: Hair;
  readonly hat: Hat;
  /** Middle, half width and half height of the head. */
  readonly cx: number;
  readonly cy: number;
  readonly rx: number;
  readonly ry: number;
  readonly head: Shape;
}

/** Moves a color towards another; `part` from 0 to 1. */
function mix(a: Rgb, b: Rgb, part: number): Rgb {
  const channel = (shift: number) => {
    const from = (a >> shift) & 255;
    return Math.round(from + (((b >> shift) & 255) - from) * part) << shift;
  };
  return channel(16) | channel(8) | channel(0);
}

/**
 * @param seed the same number always gives the same face
 * @returns a PNG of 144 x 180 pixels
 */
export function drawPortrait(seed: number): Buffer {
  const random = new Random(seed);
  const background = random.pick(BACKGROUNDS);
  const canvas = new Canvas(PORTRAIT_WIDTH, PORTRAIT_HEIGHT, background);
  const skin = random.pick(SKINS);
  const cx = 72;
  const cy = random.between(82, 87);
  const rx = random.between(32, 38);
  const ry = random.between(41, 47);
  const hair = random.pick(HAIR_STYLES);
  const face: Face = {
    random,
    canvas,
    skin,
    shade: mix(skin, 0x6b2f1c, 0.22),
    hairColor: random.pick(HAIRS),
    hair,
    hat: random.chance(0.2) ? random.pick(['cap', 'beanie', 'straw', 'scarf'] as const) : undefined,
    cx,
    cy,
    rx,
    ry,
    head: ellipse(cx, cy, rx, ry),
  };
  canvas.fill(mix(background, WHITE, 0.45), ellipse(random.between(50, 94), 84, 74, 74));
  drawHairBehind(face);
  drawBody(face);
  drawHead(face);
  drawBeard(face);
  drawFeatures(face);
  drawHairBefore(face);
  if (random.chance(0.32)) drawGlasses(face);
  drawHat(face);
  return canvas.png();
}

function drawHairBehind({ canvas, hair, hairColor, hat, cx, cy, rx, ry }: Face): void {
  const hidden = hat === 'scarf';
  if (hidden || hair === 'bald') return;
  if (hair === 'long') {
    canvas.fill(hairColor, ellipse(cx, cy, rx + 11, ry + 9));
    canvas.fill(
      hairColor,
      trapezoid(
        { y: cy, from: cx - rx - 11, to: cx + rx + 11 },
        { y: 160, from: cx - rx - 13, to: cx + rx + 13 },
      ),
    );
  } else if (hair === 'bob') {
    canvas.fill(hairColor, both(ellipse(cx, cy + 2, rx + 13, ry + 12), box(0, 0, 144, cy + 36)));
  } else if (hair === 'bun') {
    canvas.fill(hairColor, ellipse(cx, cy - ry - 10, 17, 15));
    canvas.fill(hairColor, ellipse(cx, cy - 4, rx + 5, ry + 4));
  } else if (hair === 'braids') {
    canvas.fill(hairColor, ellipse(cx, cy - 4, rx + 6, ry + 4));
    for (const side of [-1, 1])
      for (let i = 0; i < 5; i++)
        canvas.fill(
          i % 2 ? mix(hairColor, WHITE, 0.12) : hairColor,
          ellipse(cx + side * (rx + 7 + i), cy + 12 + i * 14, 9 - i * 0.6, 10),
        );
  } else if (hair === 'curls') {
    for (let i = 0; i < 11; i++) {
      const turn = Math.PI * (0.92 + (1.16 * i) / 10);
      canvas.fill(
        hairColor,
        ellipse(cx + Math.cos(turn) * (rx + 3), cy - 6 + Math.sin(turn) * (ry - 1), 14, 14),
      );
    }
  } else {
    canvas.fill(hairColor, both(ellipse(cx, cy - 5, rx + 4, ry + 3), box(0, 0, 144, cy + 4)));
  }
}

function drawBody({ random, canvas, skin, shade, cx, cy, ry }: Face): void {
  const cloth = random.pick(CLOTHES);
  const other = random.pick(CLOTHES);
  const wide = random.between(52, 62);
  const shoulders = ellipse(cx, 190, wide, 50);
  const style = random.pick(['plain', 'vee', 'shirt', 'stripes', 'hood', 'jacket'] as const);
  if (style === 'hood') canvas.fill(mix(cloth, INK, 0.25), ellipse(cx, 150, 40, 22));
  canvas.fill(cloth, shoulders);
  if (style === 'stripes')
    for (let y = 150; y < 180; y += 12)
      canvas.fill(mix(cloth, WHITE, 0.6), both(shoulders, box(0, y, 144, 5)));
  if (style === 'jacket') {
    canvas.fill(
      mix(other, WHITE, 0.5),
      trapezoid({ y: 138, from: cx - 20, to: cx + 20 }, { y: 180, from: cx - 8, to: cx + 8 }),
    );
  }
  canvas.fill(
    shade,
    trapezoid({ y: cy + 20, from: cx - 13, to: cx + 13 }, { y: 147, from: cx - 14, to: cx + 14 }),
  );
  canvas.fill(shade, ellipse(cx, 146, 17, 8));
  canvas.fill(skin, both(ellipse(cx, 148, 14, 7), box(0, cy + ry, 144, 40)));
  if (style === 'vee')
    canvas.fill(
      skin,
      trapezoid({ y: 144, from: cx - 16, to: cx + 16 }, { y: 168, from: cx, to: cx }),
    );
  if (style === 'shirt') {
    const collar = mix(cloth, WHITE, 0.75);
    for (const side of [-1, 1]) {
      const edge = (a: number, b: number) => ({
        from: cx + Math.min(side * a, side * b),
        to: cx + Math.max(side * a, side * b),
      });
      canvas.fill(collar, trapezoid({ y: 139, ...edge(13, 19) }, { y: 160, ...edge(2, 20) }));
    }
    for (let y = 165; y < 180; y += 8) canvas.fill(collar, ellipse(cx, y, 1.8, 1.8));
  }
  if (style === 'hood')
    for (const side of [-1, 1]) canvas.fill(WHITE, box(cx + side * 12 - 1, 154, 2, 18));
}

function drawHead({ random, canvas, skin, shade, hat, cx, cy, rx, ry, head }: Face): void {
  if (hat !== 'scarf')
    for (const side of [-1, 1]) {
      canvas.fill(skin, ellipse(cx + side * rx, cy + 4, 7, 10));
      canvas.fill(shade, ellipse(cx + side * (rx + 1), cy + 4, 3, 5));
      if (random.next() < 0.12)
        canvas.fill(0xf2c84b, ellipse(cx + side * (rx + 2), cy + 15, 2.6, 2.6));
    }
  canvas.fill(skin, head);
  canvas.fill(skin, both(ellipse(cx, cy + ry - 22, rx - 3, 22), box(0, cy, 144, 90)));
  const blush = mix(skin, 0xe8505b, 0.24);
  for (const side of [-1, 1])
    canvas.fill(blush, both(head, ellipse(cx + side * (rx - 11), cy + 17, 8, 5.5)));
}

function drawBeard({ random, canvas, hair, hairColor, cx, cy, rx, ry, head }: Face): void {
  const long = hair === 'long' || hair === 'bob' || hair === 'bun' || hair === 'braids';
  if (long || !random.chance(0.26)) return;
  const beard = mix(hairColor, INK, 0.1);
  if (random.chance(0.5)) {
    canvas.fill(beard, both(head, ellipse(cx, cy + ry - 8, rx - 2, 22)));
    canvas.fill(mix(beard, WHITE, 0.08), ellipse(cx, cy + 22, 15, 5));
  } else {
    canvas.fill(beard, ellipse(cx - 7, cy + 21.5, 9, 4));
    canvas.fill(beard, ellipse(cx + 7, cy + 21.5, 9, 4));
  }
}

function drawFeatures({ random, canvas, shade, skin, hairColor, cx, cy, rx }: Face): void {
  const apart = rx * 0.44;
  const eyes = random.pick(['round', 'round', 'dot', 'smiling'] as const);
  const iris = random.pick([0x3a2418, 0x3a2418, 0x241a18, 0x4f6d7a, 0x4c6b3c]);
  const brow = mix(hairColor, INK, 0.3);
  const lift = random.between(11, 14);
  const tilt = random.between(-1.5, 1.5);
  for (const side of [-1, 1]) {
    const x = cx + side * apart;
    if (eyes === 'round') {
      canvas.fill(WHITE, ellipse(x, cy + 2, 6.4, 5.4));
      canvas.fill(iris, ellipse(x, cy + 2, 4, 4.4));
      canvas.fill(WHITE, ellipse(x + 1.5, cy + 0.4, 1.3, 1.3));
    } else if (eyes === 'dot') {
      canvas.fill(iris, ellipse(x, cy + 2, 3.6, 4.4));
      canvas.fill(WHITE, ellipse(x + 1.2, cy + 0.4, 1.1, 1.1));
    } else {
      canvas.fill(INK, ellipse(x, cy + 2, 6.5, 4.6));
      canvas.fill(skin, ellipse(x, cy + 4.4, 6.8, 4.6));
    }
    canvas.fill(brow, ellipse(x, cy - lift + side * tilt, 8, 2.1));
  }
  canvas.fill(shade, ellipse(cx, cy + 12, random.between(3, 4.6), random.between(3, 5)));
  canvas.fill(mix(skin, WHITE, 0.15), ellipse(cx - 0.8, cy + 10, 2, 2.6));
  drawMouth(random, canvas, cx, cy + 26, skin);
}

function drawMouth(random: Random, canvas: Canvas, x: number, y: number, skin: Rgb): void {
  const wide = random.between(8.5, 12);
  const lips = mix(skin, 0xa8323e, 0.6);
  const kind = random.pick(['open', 'smile', 'smile', 'small'] as const);
  if (kind === 'open') {
    const mouth = both(ellipse(x, y, wide, 9), box(0, y, 144, 12));
    canvas.fill(0x7a1f2b, mouth);
    canvas.fill(WHITE, both(mouth, box(0, y, 144, 3)));
    canvas.fill(0xe07a7a, both(mouth, ellipse(x, y + 9, wide * 0.6, 4)));
  } else if (kind === 'smile') {
    const lower = both(ellipse(x, y - 1, wide, 6.5), box(0, y, 144, 9));
    canvas.fill(lips, lower);
    canvas.fill(mix(lips, WHITE, 0.25), both(lower, box(0, y + 3, 144, 9)));
  } else canvas.fill(lips, ellipse(x, y + 1.5, wide * 0.62, 2.4));
}

function drawHairBefore({ random, canvas, hair, hairColor, hat, cx, cy, rx, ry }: Face): void {
  if (hair === 'bald' || hat === 'scarf') return;
  const crown = ellipse(cx, cy - 2, rx + 3, ry + 3);
  const shine = mix(hairColor, WHITE, 0.16);
  if (hair === 'fringe' || hair === 'bob') {
    canvas.fill(hairColor, both(crown, box(0, 0, 144, cy - ry * 0.4)));
    canvas.fill(shine, both(crown, ellipse(cx - 6, cy - ry * 0.78, rx * 0.6, 3)));
  } else if (hair === 'swept' || hair === 'long') {
    const side = random.chance(0.5) ? 1 : -1;
    canvas.fill(hairColor, both(crown, ellipse(cx + side * 20, cy - ry, 44, 26)));
    canvas.fill(hairColor, both(crown, ellipse(cx - side * 36, cy - ry + 6, 26, 30)));
    canvas.fill(shine, both(crown, ellipse(cx + side * 14, cy - ry * 0.84, rx * 0.5, 2.6)));
  } else if (hair === 'curls') {
    for (let i = 0; i < 6; i++)
      canvas.fill(
        hairColor,
        ellipse(cx - rx + 4 + i * (rx / 2.8), cy - ry + 6 - (i % 2) * 3, 11, 11),
      );
  } else if (hair === 'bun' || hair === 'braids') {
    for (const side of [-1, 1])
      canvas.fill(hairColor, both(crown, ellipse(cx + side * 25, cy - ry + 4, 28, 24)));
  } else {
    canvas.fill(hairColor, both(crown, ellipse(cx, cy - ry - 4, rx + 8, random.between(18, 24))));
  }
}

function drawGlasses({ random, canvas, cx, cy, rx }: Face): void {
  const frame = random.pick([INK, 0x5a3a22, 0x8a2f3a, 0x2f4a6b, 0xb8902f]);
  const apart = rx * 0.46;
  const round = random.chance(0.6);
  const dark = random.chance(0.15);
  for (const side of [-1, 1]) {
    const x = cx + side * apart;
    const ring = (grow: number) =>
      round
        ? ellipse(x, cy + 2, 11.5 + grow, 11 + grow)
        : box(x - 11 - grow, cy - 6 - grow, 22 + grow * 2, 16 + grow * 2);
    if (dark) {
      canvas.fill(frame, ring(0));
      canvas.fill(mix(frame, WHITE, 0.3), both(ring(-3), ellipse(x - 4, cy - 1, 4, 3)));
    } else outline(canvas, frame, ring(0), ring(-2));
    canvas.fill(frame, box(side < 0 ? cx - rx : x + 10, cy, rx - apart - 10, 2.4));
  }
  canvas.fill(frame, box(cx - apart + 11, cy, Math.max(2, apart * 2 - 22), 2.4));
}

/** Only what lies between the two: the eyes stay to be seen. */
function outline(canvas: Canvas, color: Rgb, outer: Shape, inner: Shape): void {
  const { top, bottom } = inner;
  const hole = { from: 0, to: 0 };
  canvas.fill(color, { ...outer, bottom: top });
  canvas.fill(color, { ...outer, top: bottom });
  for (const left of [true, false])
    canvas.fill(color, {
      top,
      bottom,
      at(y, out) {
        outer.at(y, out);
        inner.at(y, hole);
        if (left) out.to = hole.from;
        else out.from = hole.to;
      },
    });
}

function drawHat({ random, canvas, hat, cx, cy, rx, ry }: Face): void {
  if (!hat) return;
  const color = random.pick(HATS);
  const light = mix(color, WHITE, 0.3);
  const line = cy - ry * 0.46;
  const dome = both(ellipse(cx, line, rx + 7, ry * 0.72), box(0, 0, 144, line));
  if (hat === 'cap') {
    canvas.fill(color, dome);
    canvas.fill(light, both(dome, ellipse(cx, line, 14, ry * 0.72)));
    canvas.fill(mix(color, INK, 0.3), ellipse(cx + 16, line, rx + 4, 5));
  } else if (hat === 'beanie') {
    canvas.fill(light, ellipse(cx, line - ry * 0.72, 8, 8));
    canvas.fill(color, dome);
    canvas.fill(light, box(cx - rx - 7, line - 9, rx * 2 + 14, 11));
  } else if (hat === 'straw') {
    canvas.fill(0xe6c67a, both(ellipse(cx, line, rx - 2, ry * 0.74), box(0, 0, 144, line)));
    canvas.fill(color, box(cx - rx + 2, line - 9, rx * 2 - 4, 7));
    canvas.fill(0xd8b15c, ellipse(cx, line, rx + 24, 7));
  } else {
    outline(
      canvas,
      color,
      ellipse(cx, cy + 2, rx + 11, ry + 9),
      ellipse(cx, cy + 5, rx - 3, ry - 6),
    );
    canvas.fill(color, both(ellipse(cx, 158, 40, 26), box(0, cy + ry - 2, 144, 60)));
    canvas.fill(light, both(ellipse(cx, 164, 30, 18), box(0, 152, 144, 5)));
  }
}
