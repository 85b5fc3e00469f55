// How much of the CPU that it may use the generator's process takes, each second: told to its own script over HTTP, for
// a threshold of its own, and kept for the report.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpuSecondsOf } from './processes.ts';

export interface GeneratorCpu {
  /** For GENERATOR_URL: answers with the last second's share, 0 to 1. */
  readonly url: string;
  /** Of which process; before, and when it has ended, the share is 0. */
  watch(pid: number): void;
  /** Epoch second -> share. */
  readonly shares: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

const EVERY_MS = 1_000;

/** @param coresMax how many the generator may use */
export async function generatorCpu(coresMax: number): Promise<GeneratorCpu> {
  const shares = new Map<number, number>();
  let pid: number | undefined;
  let last: { readonly atMs: number; readonly usedS: number } | undefined;
  let share = 0;
  const sample = () => {
    const used = pid === undefined ? undefined : cpuSecondsOf(pid);
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
