// On what a run ran: figures of different machines are not compared without it.

import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { findPostgres, findRedis } from '../../test/needs.mjs';
import { ROOT } from '../rig/root.ts';

export function machineOf(k6Version: string): Record<string, string> {
  const [cpu] = cpus();
  return {
    processor: `${availableParallelism()} cores, ${cpu?.model.trim() ?? 'unknown'}`,
    memory: `${(totalmem() / 1e9).toFixed(1)} GB`,
    kernel: release(),
    node: process.version,
    k6: k6Version,
    postgresql: versionOf(`${findPostgres()}/postgres`),
    redis: versionOf(`${findRedis()}`),
  };
}

function versionOf(path: string): string {
  try {
    const said = execFileSync(path, ['--version'], { encoding: 'utf8' });
    return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** `unknown` outside a checkout. */
export function commitOf(): { commit: string; changed: boolean } {
  const git = (...words: string[]) =>
    execFileSync('git', words, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    return {
      commit: git('rev-parse', '--short', 'HEAD').trim(),
      changed: git('status', '--porcelain').trim() !== '',
    };
  } catch {
    return { commit: 'unknown', changed: false };
  }
}
