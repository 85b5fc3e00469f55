import { uuidToId } from '../health-code.ts';

/** People of a bench run, made from their number: server and generator agree without a word. */
export const AREAS = 330;
export const ISSUER = 'https://bench.invalid';
export const SECRET = 'bench-only-secret-of-thirty-two-bytes-or-more';

/** A 128-bit id that looks random: neighbors in number are not neighbors in any table. */
export function uuidOf(n: number): string {
  const a = Math.imul(n + 1, 0x9e3779b1) >>> 0;
  const b = Math.imul(n ^ 0x5bd1e995, 0x85ebca6b) >>> 0;
  const c = Math.imul(n + 0x27d4eb2f, 0xc2b2ae35) >>> 0;
  const hex = (word: number) => word.toString(16).padStart(8, '0');
  return `${hex(a)}-${hex(b).slice(0, 4)}-${hex(b).slice(4)}-${hex(c).slice(0, 4)}-${hex(c).slice(4)}${hex(n)}`;
}

export const subjectOf = (n: number): string => uuidToId(uuidOf(n));

/** The inverse: the last 32 bits are the number. */
export const numberOf = (uuid: string): number => Number.parseInt(uuid.slice(-8), 16);

export const photoUuidOf = (n: number): string => uuidOf(n ^ 0x55555555);
