// When a process began, by which its id is told from the same one given to another later.

import { readFileSync } from 'node:fs';

/**
 * @param {number | string} pid
 * @returns ticks since the machine began; undefined: it does not run, or this is no Linux
 */
export function beganAt(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may have spaces and parentheses in it: the 22nd field of all.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
