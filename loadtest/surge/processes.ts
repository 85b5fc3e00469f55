// What the processes of a run take from the machine, as the kernel has it. Reads /proc, so it is for Linux.

import { readdirSync, readFileSync } from 'node:fs';
import { familyOf } from '../../test/own-postgres.ts';

/** Of Linux, on every machine that one meets: ticks of CPU time a second. */
const TICKS_PER_S = 100;

/** @returns CPU seconds that a process has had; undefined when there is none */
export function cpuSecondsOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // A command's name may hold anything, spaces and brackets too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  } catch {
    return undefined;
  }
}

/** Of a postmaster and of all that serve under it now. */
export const cpuSecondsOfFamily = (pid: number): number =>
  familyOf(pid).reduce((sum, one) => sum + (cpuSecondsOf(one) ?? 0), 0);

/** CPU seconds that were spent on this machine by anybody, and that another machine took from it. */
export function cpuSecondsOfMachine(): { readonly spent: number; readonly stolen: number } {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks.map(Number);
  const spent = user + nice + system + irq + softirq;
  return { spent: spent / TICKS_PER_S, stolen: steal / TICKS_PER_S };
}

/** Seconds in which nobody on this machine could go on, for want of it; undefined where the kernel does not count. */
export function stalledSecondsOfMachine(of: 'memory' | 'io'): number | undefined {
  try {
    const [, us] = /^full .*total=(\d+)$/m.exec(readFileSync(`/proc/pressure/${of}`, 'utf8')) ?? [];
    return us === undefined ? undefined : Number(us) / 1e6;
  } catch {
    return undefined;
  }
}

/** Open descriptors; undefined when there is no such process. */
export function descriptorsOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

/** Resident. */
export function memoryBytesOf(pid: number): number | undefined {
  try {
    const [, kB] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kB === undefined ? undefined : Number(kB) * 1_024;
  } catch {
    return undefined;
  }
}
