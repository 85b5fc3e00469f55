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
const PERIOD_US_MOST = 50_000;

/**
 * @param cores that all processes may use together
 * @param processes each has its own part: from one group, one of them would take at once what all have for a period
 * @throws when this machine or this user cannot
 */
export function quota(cores: number, processes: number): Quota {
  const each = cores / processes;
  const periodUs = Math.max(PERIOD_US_LEAST, Math.ceil(QUOTA_US_LEAST / each));
  if (periodUs > PERIOD_US_MOST)
    throw new Error(
      `${each} of a core is less than a process can run on: ${QUOTA_US_LEAST / PERIOD_US_MOST}`,
    );
  const us = Math.round(each * periodUs);
  const isV1 = existsSync(join(ROOTS.v1, 'cpu.cfs_quota_us'));
  const root = isV1 ? ROOTS.v1 : ROOTS.v2;
  const move = (pid: number, to: string) => writeFileSync(join(to, 'cgroup.procs'), `${pid}`);
  const groups = new Map<number, string>();
  const made = new Set<string>();
  const remove = () => {
    for (const dir of made) {
      try {
        rmdirSync(dir);
      } catch {
        // Somebody is still in it: an empty group costs nothing until the machine begins anew.
      }
    }
  };
  process.once('exit', remove);
  return {
    add(pid) {
      const dir = join(root, `lookup-surge-${process.pid}-${pid}`);
      try {
        mkdirSync(dir);
        made.add(dir);
        if (isV1) {
          writeFileSync(join(dir, 'cpu.cfs_period_us'), `${periodUs}`);
          writeFileSync(join(dir, 'cpu.cfs_quota_us'), `${us}`);
        } else {
          writeFileSync(join(dir, 'cpu.max'), `${us} ${periodUs}`);
        }
        move(pid, dir);
      } catch (error) {
        throw new Error(
          `the services cannot be given less CPU here (control groups, as root): ${(error as Error).message}`,
        );
      }
      groups.set(pid, dir);
    },
    end() {
      for (const pid of groups.keys()) {
        try {
          move(pid, root);
        } catch {
          // It has ended.
        }
      }
      groups.clear();
    },
  };
}
