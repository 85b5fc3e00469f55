// The claims of page.css about its lines, held: visible on their ground, and apart for all eyes.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Triple = readonly [number, number, number];

/** Linear light as seen without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1). */
const EYES: Readonly<Record<string, readonly Triple[]>> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'no red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'no green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  'no blue': [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const css = readFileSync(new URL('page.css', import.meta.url), 'utf8');
const [light = '', dark = ''] = css.split('prefers-color-scheme: dark');

const colorOf = (theme: string, name: string) =>
  new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(theme)?.[1] as string;

const dot = (a: Triple, b: Triple) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function linear(hex: string): Triple {
  return [1, 3, 5].map((i) => {
    const part = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as unknown as Triple;
}

const luminance = (hex: string) => dot([0.2126, 0.7152, 0.0722], linear(hex));

function contrast(a: string, b: string): number {
  const [dim, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (bright + 0.05) / (dim + 0.05);
}

/** CIELAB of what such an eye sees. */
function seen(hex: string, eye: readonly Triple[]): Triple {
  const rgb = eye.map((row) => Math.min(1, Math.max(0, dot(row, linear(hex)))));
  const root = (share: number) => (share > 0.008856 ? Math.cbrt(share) : 7.787 * share + 16 / 116);
  const of = (row: Triple) => root(dot(row, rgb as unknown as Triple));
  const x = of([0.4339, 0.3762, 0.1899]);
  const y = of([0.2126, 0.7152, 0.0722]);
  const z = of([0.0177, 0.1095, 0.8729]);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

describe.each([
  ['light', light],
  ['dark', dark],
])('on %s ground', (_name, theme) => {
  const colors = Array.from({ length: 6 }, (_, i) => colorOf(theme, `color-${i}`));

  test('each line stands out, 3 to 1', () => {
    for (const color of [...colors, colorOf(theme, 'limit')])
      expect(contrast(color, colorOf(theme, 'panel')), color).toBeGreaterThan(3);
  });

  test.each(Object.entries(EYES))(
    'any two lines are told apart by eyes with %s cones',
    (_n, eye) => {
      colors.forEach((color, i) => {
        for (const other of colors.slice(i + 1)) {
          const [a, b] = [seen(color, eye), seen(other, eye)];
          expect(
            Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]),
            `${color} ${other}`,
          ).toBeGreaterThan(30);
        }
      });
    },
  );
});
