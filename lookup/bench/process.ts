import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ServerKind, ServerPorts } from './server.ts';

/** A server that is measured by itself has a core for itself, where there are two. */
export const SERVER_CORE = '0';
export const LOAD_CORE = cpus().length > 1 ? '1' : '0';
export const ANY_CORE = `0-${cpus().length - 1}`;

export function hasProgram(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** @returns the command with its core, where the machine can pin */
export function pinned(core: string, command: string, args: readonly string[]): [string, string[]] {
  return hasProgram('taskset') ? ['taskset', ['-c', core, command, ...args]] : [command, [...args]];
}

export class BenchServer {
  readonly ports: ServerPorts;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: ServerPorts) {
    this.#child = child;
    this.ports = ports;
  }

  static async start(
    kind: ServerKind,
    options: object = {},
    core: string = SERVER_CORE,
  ): Promise<BenchServer> {
    const script = fileURLToPath(new URL('./server.js', import.meta.url));
    const all = [script, kind];
    const [command, args] = pinned(core, process.execPath, all);
    const child = spawn(command, args, {
      stdio: ['ignore', 2, 2, 'ipc'],
      // Not an argument: those are seen by everyone on the machine.
      env: { ...process.env, BENCH_OPTIONS: JSON.stringify(options) },
    });
    const { ports } = await answerOf<{ ports: ServerPorts }>(child);
    return new BenchServer(child, ports);
  }

  /** CPU time used since its start, in microseconds, of user and system. */
  async cpuUs(): Promise<number> {
    const answer = answerOf<{ cpu: NodeJS.CpuUsage }>(this.#child);
    this.#child.send('cpu');
    const { cpu } = await answer;
    return cpu.user + cpu.system;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a bench server ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}
