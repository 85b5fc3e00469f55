import { type Area, type Color, colorOf } from '../health-code.ts';

/** @throws when the source holds what is no color: that is never passed on */
export function requireColor(name: string | null): Color {
  const color = name === null ? undefined : colorOf(name);
  if (color === undefined) throw new Error(`the source has a color that is none: ${name}`);
  return color;
}

/** @param text ids joined by commas; empty or null: none */
export function parseAreas(text: string | null): Area[] {
  return text ? text.split(',').map(Number) : [];
}
