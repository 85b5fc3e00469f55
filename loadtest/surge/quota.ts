// Less CPU than there is, for processes that run: a control group for each (Linux, version 1 or 2, as root). The period
// is short, so that a process that has used up its share waits for milliseconds: else admission would take the waiting
// for a crowd.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Quota {
  /** From now on, and all threads of it. */
  add(pid: number): void;
  /** The processes that were added must have ended, or have another group. */
  end(): void;
}

const ROOTS = { v1: '/sys/fs/cgroup/cpu', v2: '/sys/fs/cgroup' };
/** The kernel gives no less, to one group. */
const QUOTA_US_LEAST = 1_000;
const PERIOD_US_LEAST = 5_000;
/** Of its share it gets all, whoever else is there: priority.ts cannot say so across groups. */
const TIMES_OTHERS = 10;
/** As long as the lateness that begins a crowd. */
const PERIOD_US_MOST = 15_000;

/** @throws when it is less than a process can run on */
export function periodUs(cores: number, processes: number): number {
  const each = cores / processes;
  const us = Math.max(PERIOD_US_LEAST, Math.ceil(QUOTA_US_LEAST / each));
  if (us > PERIOD_US_MOST) {
    const least = Math.ceil((processes * QUOTA_US_LEAST * 100) / PERIOD_US_MOST) / 100;
    throw new Error(`--service-cores ${cores}: ${processes} processes need ${least} or more`);
  }
  return us;
}

/** Before anything is brought up for it. @throws when this machine or this user cannot, or it is too little */
export function checkQuota(cores: number, processes: number): void {
  const dir = groupDir('tried');
  makeGroup(dir, cores, processes);
  rmdirSync(dir);
}

/**
 * @param cores that all processes may use together
 * @param processes each has its own part: from one group, one of them would take at once what all have for a period
 * @throws when this machine or this user cannot
 */
export function quota(cores: number, processes: number): Quota {
  const groups = new Map<number, string>();
  const remove = () => {
    for (const [pid, dir] of groups) {
      try {
        rmdirSync(dir);
        groups.delete(pid);
      } catch {
        // Somebody is still in it: it is tried again when this process ends, and a group left empty costs nothing.
      }
    }
  };
  process.once('exit', remove);
  return {
    add(pid) {
      const dir = groupDir(pid);
      makeGroup(dir, cores, processes);
      groups.set(pid, dir);
      move(pid, dir);
    },
    end() {
      for (const pid of groups.keys()) {
        try {
          move(pid, root());
        } catch {
          // It has ended.
        }
      }
      remove();
    },
  };
}

const isV1 = () => existsSync(join(ROOTS.v1, 'cpu.cfs_quota_us'));
const root = () => (isV1() ? ROOTS.v1 : ROOTS.v2);
const groupDir = (of: number | string) => join(root(), `lookup-surge-${process.pid}-${of}`);
const move = (pid: number, to: string) => writeFileSync(join(to, 'cgroup.procs'), `${pid}`);

function makeGroup(dir: string, cores: number, processes: number): void {
  const period = periodUs(cores, processes);
  const us = Math.round((cores / processes) * period);
  try {
    if (!isV1()) writeFileSync(join(ROOTS.v2, 'cgroup.subtree_control'), '+cpu');
    mkdirSync(dir, { recursive: true });
    if (isV1()) {
      writeFileSync(join(dir, 'cpu.cfs_period_us'), `${period}`);
      writeFileSync(join(dir, 'cpu.cfs_quota_us'), `${us}`);
      writeFileSync(join(dir, 'cpu.shares'), `${1_024 * TIMES_OTHERS}`);
    } else {
      writeFileSync(join(dir, 'cpu.max'), `${us} ${period}`);
      writeFileSync(join(dir, 'cpu.weight'), `${100 * TIMES_OTHERS}`);
    }
  } catch (error) {
    throw new Error(
      `the services cannot be given less CPU here (control groups, as root): ${(error as Error).message}`,
    );
  }
}
