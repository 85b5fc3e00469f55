import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Where its output goes; without it, to `onOutput`. */
  readonly log?: string;
  readonly onOutput?: (stream: 'stdout' | 'stderr', text: string) => void;
  /** How it is ended when the run ends; 3 s later it is killed. SIGKILL unless told. */
  readonly endBy?: NodeJS.Signals;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started, if it could not. */
  readonly error?: string;
}

/** A process that ends with this one, at the latest. */
export interface Kept {
  readonly pid: number;
  /** Set once it has ended. */
  outcome(): Ended | undefined;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

interface Told extends Ended {
  readonly id: number;
  readonly event: 'started' | 'output' | 'ended' | 'dropped';
  readonly pid: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

let keeper: ChildProcess | undefined;
let lastId = 0;
const listeners = new Map<number, (told: Told) => void>();

/** One keeper for each process of the test run, started when it is first needed. */
function keeperOf(): ChildProcess {
  if (keeper) return keeper;
  const script = fileURLToPath(new URL('./keeper.mjs', import.meta.url));
  const started = spawn(process.execPath, [script], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.stdin.on('error', () => {});
  createInterface({ input: started.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as Told;
    listeners.get(told.id)?.(told);
  });
  keeper = started;
  return started;
}

function order(what: object): void {
  keeperOf().stdin?.write(`${JSON.stringify(what)}\n`);
}

/** Starts a program. Throws when it cannot be started. */
export function keep(program: Program): Promise<Kept> {
  const id = ++lastId;
  const { onOutput, ...start } = program;
  let outcome: Ended | undefined;
  return new Promise((resolve, reject) => {
    let tellEnd = (_: Ended) => {};
    const ended = new Promise<Ended>((tell) => {
      tellEnd = tell;
    });
    listeners.set(id, (told) => {
      if (told.event === 'started') {
        const kill = (signal: NodeJS.Signals) => {
          try {
            if (!outcome) process.kill(told.pid, signal);
          } catch {
            // It ended just now, and we have not been told yet.
          }
        };
        resolve({ pid: told.pid, outcome: () => outcome, ended, kill });
      }
      if (told.event === 'output') onOutput?.(told.stream, told.text);
      if (told.event === 'ended') {
        const { code, signal, error } = told;
        outcome = error === undefined ? { code, signal } : { code, signal, error };
        listeners.delete(id);
        tellEnd(outcome);
        reject(new Error(`${program.command} cannot be started: ${error ?? 'it ended'}`));
      }
    });
    order({ op: 'start', id, ...start, env: program.env ?? process.env });
  });
}

/**
 * A new folder under the system's temporary one, removed when the run ends, after all that was started.
 * @param owner who it belongs to, when not to us
 */
export function heldFolder(owner?: { uid: number; gid: number }): string {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'lookup-test-'));
  order({ op: 'hold', dir });
  if (owner) chownSync(dir, owner.uid, owner.gid);
  chmodSync(dir, 0o700);
  return dir;
}

/** Removes a held folder now. */
export function dropFolder(dir: string): Promise<void> {
  const id = ++lastId;
  return new Promise((resolve) => {
    listeners.set(id, () => {
      listeners.delete(id);
      resolve();
    });
    order({ op: 'drop', id, dir });
  });
}

/** Ends all that was kept and removes what was held; what happens by itself when this process ends, waited for. */
export function endAllKept(): Promise<void> {
  const ending = keeper;
  keeper = undefined;
  if (!ending || ending.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    ending.once('exit', () => resolve());
    ending.stdin?.end();
  });
}
