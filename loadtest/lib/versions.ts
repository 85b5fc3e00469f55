// Versions that this virtual user was told (k6). It asks one process, and of one person that never tells an older one.
// Imports nothing.

/** Who was told of longest ago is forgotten first. */
const KEPT_MOST = 1_000;
const told = new Map<number, number>();

/** @returns what the next answer about this person has at least */
export const leastOf = (index: number): number => told.get(index) ?? 1;

export function keepVersion(index: number, version: number): void {
  const newest = Math.max(version, leastOf(index));
  told.delete(index);
  told.set(index, newest);
  if (told.size > KEPT_MOST) for (const oldest of told.keys()) return void told.delete(oldest);
}
