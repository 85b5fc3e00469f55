// What an import tells a person: before it changes anything, and after.

import { grouped, shareOf } from './confirm.ts';
import type { Plan } from './import-plan.ts';

/** @param photos that would be added */
export function planLines(name: string, plan: Plan, photos: number): string[] {
  const { read, people, changes, added, revived, moves } = plan;
  const lines = [`${name} has ${grouped(read)} people; the source has ${grouped(people)}.`];
  if (plan.isFirstLoad)
    lines.push(
      'Nobody was there before: this is the first load, one transaction. Only "lookup erase" undoes it.',
    );
  const counts: [string, number][] = [
    ['are new', added],
    ['were erased, and come back', revived],
    ['change their own color', plan.ownColor],
    ['change areas', plan.areas],
    ['change photo', plan.photo],
    ['of those lose theirs', plan.photoLost],
    ['are as they were', read - changes],
  ];
  const width = Math.max(...counts.map(([, count]) => grouped(count).length));
  for (const [what, count] of counts)
    if (count > 0) lines.push(`  ${grouped(count).padStart(width)} ${what}`);
  if (photos > 0) lines.push(`${grouped(photos)} photos are new to the source.`);
  if (plan.isFirstLoad) return lines;
  const changing = moves.reduce((sum, move) => sum + move.people, 0);
  const who = `${grouped(changing)} (${shareOf(changing, people)} of all) are answered another color`;
  lines.push(changing === 0 ? `${who}.` : `${who}:`);
  for (const { from, to, people } of moves) lines.push(`  ${from} -> ${to}: ${grouped(people)}`);
  return lines;
}

export interface Done {
  /** Added. */
  readonly photos: number;
  /** Erased by somebody else meanwhile, and left alone. */
  readonly left: number;
  readonly seconds: number;
}

export function doneText(name: string, plan: Plan, { photos, left, seconds }: Done): string {
  const { read, changes, added, revived } = plan;
  if (changes + photos === 0) return `${name}: all ${grouped(read)} people are as they were`;
  const rest = [
    `${grouped(added + revived)} new`,
    `${grouped(changes - added - revived)} changed`,
    `${grouped(read - changes)} as they were`,
    ...(photos > 0 ? [`${grouped(photos)} photos added`] : []),
    ...(left > 0 ? [`${grouped(left)} erased meanwhile and left alone`] : []),
  ];
  return `${name}: ${rest.join(', ')}; written in ${seconds.toFixed(1)} s`;
}
