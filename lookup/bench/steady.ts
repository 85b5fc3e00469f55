import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SteadyOptions, SteadyReport } from './load-steady.ts';

export type { SteadyReport } from './load-steady.ts';

/** What was said instead of a color, a line each. */
export const saidLines = ({ said }: SteadyReport): string[] =>
  Object.entries(said).map(([what, times]) => `    ${what}: ${times}`);

/** Lookups that go on beside what is measured. */
export class SteadyLoad {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: SteadyOptions): Promise<SteadyLoad> {
    const script = fileURLToPath(new URL('./load-steady.js', import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    const load = new SteadyLoad(child);
    await load.#message();
    return load;
  }

  /** What came since it was last asked. */
  async report(): Promise<SteadyReport> {
    const message = this.#message<SteadyReport>();
    this.#child.send('report');
    return message;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }

  #message<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error('the load has ended'));
      this.#child.once('exit', ended);
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended);
        resolve(message as T);
      });
    });
  }
}
