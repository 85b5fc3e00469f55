// The system runs on machines of its own, where nobody takes the CPU from it; here it shares one with its generator and
// with whoever else is there. So it comes before them: what is left is the generator's, and it says when that is too
// little. Linux, as root.

import { readdirSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { familyOf } from '../../test/own-postgres.ts';
import type { Rig } from '../rig/rig.ts';

/** About nine times the share of who has none. */
const NICE = -10;

/** @returns whether it could be done; threads that begin later have it from who began them */
export function preferSystem({ services, relays, redis, postgres }: Rig): boolean {
  const all = [...services, ...relays, ...redis.nodes].filter((one) => one.runs());
  const pids = all.map(({ pid }) => pid);
  try {
    for (const pid of [...pids, ...familyOf(postgres.pid)]) prefer(pid);
    return true;
  } catch {
    return false;
  }
}

/** @throws when this user may not */
export function prefer(pid: number): void {
  preferSession(pid);
  for (const thread of threadsOf(pid)) {
    try {
      if (getPriority(thread) > NICE) setPriority(thread, NICE);
    } catch (error) {
      // It has ended meanwhile.
      if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error;
    }
  }
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** Where the kernel makes a group of each session, nice counts within one only, and this among them. */
function preferSession(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, `${NICE}`);
  } catch {
    // It makes none, or this user may not: then the first thread says so.
  }
}
