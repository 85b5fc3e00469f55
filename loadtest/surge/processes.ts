// What the processes of a run take from the machine, as the kernel has it. Reads /proc, so it is for Linux.

import { readdirSync, readFileSync } from 'node:fs';

/** Of Linux, on every machine that one meets: ticks of CPU time a second. */
const TICKS_PER_S = 100;

interface Stat {
  readonly parent: number;
  readonly cpuS: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // A command's name may hold anything, spaces and brackets too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuS = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
    return { parent: Number(fields[1]), cpuS };
  } catch {
    return undefined;
  }
}

/** @returns CPU seconds that a process has had; undefined when there is none */
export const cpuSecondsOf = (pid: number): number | undefined => statOf(pid)?.cpuS;

/** Of a process and of all under it that run now. */
export function cpuSecondsOfFamily(pid: number): number {
  let sum = cpuSecondsOf(pid) ?? 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (stat?.parent === pid) sum += stat.cpuS;
  }
  return sum;
}

/** CPU seconds that were spent on this machine by anybody, or taken from it by another one. */
export function cpuSecondsOfMachine(): number {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks.map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_S;
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
