import { type Area, type Color, colorOf } from '../health-code.ts';

/** @throws when the source holds what is no color: that is never passed on */
export function requireColor(name: string | null): Color {
  const color = name === null ? undefined : colorOf(name);
  if (color === undefined) throw new Error(`the source has a color that is none: ${name}`);
  return color;
}

const COMMA = 0x2c;
const ZERO = 0x30;

/** @param text positive ids in digits, joined by commas; empty or null: none */
export function parseAreas(text: string | null): Area[] {
  const areas: Area[] = [];
  if (!text) return areas;
  let area = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === COMMA) {
      areas.push(area);
      area = 0;
    } else {
      area = area * 10 + code - ZERO;
    }
  }
  areas.push(area);
  return areas;
}
