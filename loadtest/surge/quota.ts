// Less CPU than there is, for processes that run: a control group of our own (Linux, version 1 or 2, as root). The
// period is short, so that a process that has used up its share waits for milliseconds: else admission would take the
// waiting for a crowd.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Quota {
  /** From now on, and all threads of it. */
  add(pid: number): void;
  /** The processes that were added must have ended, or have another group. */
  end(): void;
}

const ROOTS = { v1: '/sys/fs/cgroup/cpu', v2: '/sys/fs/cgroup' };
const PERIOD_US = 10_000;
/** The kernel gives no less. */
const QUOTA_US_LEAST = 1_000;

/**
 * @param cores that all who are added may use together
 * @throws when this machine or this user cannot
 */
export function quota(cores: number): Quota {
  const us = Math.round(cores * PERIOD_US);
  if (us < QUOTA_US_LEAST)
    throw new Error(
      `${cores} cores are less than the kernel can give: ${QUOTA_US_LEAST / PERIOD_US}`,
    );
  const isV1 = existsSync(join(ROOTS.v1, 'cpu.cfs_quota_us'));
  const root = isV1 ? ROOTS.v1 : ROOTS.v2;
  const dir = join(root, `lookup-surge-${process.pid}`);
  try {
    mkdirSync(dir);
    if (isV1) {
      writeFileSync(join(dir, 'cpu.cfs_period_us'), `${PERIOD_US}`);
      writeFileSync(join(dir, 'cpu.cfs_quota_us'), `${us}`);
    } else {
      writeFileSync(join(dir, 'cpu.max'), `${us} ${PERIOD_US}`);
    }
  } catch (error) {
    throw new Error(
      `the services cannot be given less CPU here (control groups, as root): ${(error as Error).message}`,
    );
  }
  process.once('exit', () => {
    try {
      rmdirSync(dir);
    } catch {
      // Somebody is still in it, and has ended when the machine asks again: an empty group costs nothing.
    }
  });
  const move = (pid: number, to: string) => writeFileSync(join(to, 'cgroup.procs'), `${pid}`);
  const added = new Set<number>();
  return {
    add(pid) {
      move(pid, dir);
      added.add(pid);
    },
    end() {
      for (const pid of added) {
        try {
          move(pid, root);
        } catch {
          // It has ended.
        }
      }
      added.clear();
    },
  };
}
