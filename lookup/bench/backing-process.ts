import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hasProgram } from './process.ts';
import type { Programs } from './programs.ts';

/** Where a run's own servers are. */
export interface BackingPlaces {
  readonly postgresUrl: string;
  readonly redis?: { readonly url: string; readonly pids: readonly number[] };
}

/** A run's own servers, ended with it. */
export class Backing {
  readonly places: BackingPlaces;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, places: BackingPlaces) {
    this.#child = child;
    this.places = places;
  }

  static async start(programs: Programs): Promise<Backing> {
    const script = fileURLToPath(new URL('./backing.js', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(programs)], {
      stdio: ['ignore', 2, 2, 'ipc'],
      // A Ctrl-C is for us alone: they outlive what uses them.
      detached: true,
    });
    const places = await new Promise<BackingPlaces>((resolve, reject) => {
      child.once('message', (message) => resolve(message as BackingPlaces));
      child.once('exit', () => reject(new Error('PostgreSQL and Redis did not start')));
    });
    return new Backing(child, places);
  }

  /** Redis runs on this core from now on, where the machine can pin. */
  pinRedis(core: string): void {
    if (!hasProgram('taskset')) return;
    for (const pid of this.places.redis?.pids ?? [])
      execFileSync('taskset', ['-a', '-c', '-p', core, String(pid)], { stdio: 'ignore' });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }
}
