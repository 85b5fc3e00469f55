// How much of the CPU that it may use the generator's process takes, each second: told to its own script over HTTP, for
// a threshold of its own, and kept for the report. Reads /proc, so it is for Linux.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GeneratorCpu {
  /** For GENERATOR_URL: answers with the last second's share, 0 to 1. */
  readonly url: string;
  /** Of which process; before, and when it has ended, the share is 0. */
  watch(pid: number): void;
  /** Epoch second -> share. */
  readonly shares: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

/** Of Linux, on every machine that one meets: ticks of CPU time a second. */
const TICKS_PER_S = 100;
const EVERY_MS = 1_000;

/** @returns CPU seconds that a process has had; undefined when there is none */
function usedS(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // A command's name may hold anything, spaces and brackets too.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) / TICKS_PER_S;
  } catch {
    return undefined;
  }
}

/** @param coresMax how many the generator may use */
export async function generatorCpu(coresMax: number): Promise<GeneratorCpu> {
  const shares = new Map<number, number>();
  let pid: number | undefined;
  let last: { readonly atMs: number; readonly usedS: number } | undefined;
  let share = 0;
  const sample = () => {
    const used = pid === undefined ? undefined : usedS(pid);
    const now = used === undefined ? undefined : { atMs: performance.now(), usedS: used };
    share =
      last && now ? ((now.usedS - last.usedS) * 1_000) / ((now.atMs - last.atMs) * coresMax) : 0;
    last = now;
    shares.set(Math.floor(Date.now() / 1_000), share);
  };
  const timer = setInterval(sample, EVERY_MS);
  const server = createServer((_, response) => response.end(share.toFixed(4)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    watch(one) {
      pid = one;
      last = undefined;
    },
    shares,
    async stop() {
      clearInterval(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
