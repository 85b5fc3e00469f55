import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { type Ended, type Kept, keep } from './keeper.ts';
import { until } from './wait.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Built {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** All whole lines of both outputs that are JSON objects: the log, and what `--json` prints. */
  json(): Record<string, unknown>[];
  /**
   * Waits for a whole line of standard output or error.
   * @throws after `timeoutMs` (15 s unless told), or when the process ends first, with all that it printed
   */
  line(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Waits for anything else about it; fails as `line` does. */
  until<T>(
    condition: () => T | Promise<T>,
    what: string,
    timeoutMs?: number,
  ): Promise<NonNullable<Exclude<T, false>>>;
  /** Sends a signal and goes on. */
  kill(signal: NodeJS.Signals): void;
  /** Sends a signal, waits for the end and returns the exit code; null when the signal itself ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<Ended>;
}

const running = new Set<Kept>();
afterAll(async () => {
  for (const kept of running) kept.kill('SIGKILL');
  await Promise.all([...running].map((kept) => kept.ended));
});

/**
 * Starts `node dist/lookup/cli.js …`, which "npm test" has built. It is killed after the test file, at the latest.
 * @param env besides this process's own, which has no LOOKUP_… in it
 */
export async function startBuilt(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd = ROOT,
): Promise<Built> {
  return startNode([join(ROOT, 'dist/lookup/cli.js'), ...args], env, cwd);
}

/** As {@link startBuilt}, for any script. */
export async function startNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd = ROOT,
): Promise<Built> {
  const printed = { stdout: '', stderr: '' };
  const kept = await keep({
    command: process.execPath,
    args,
    cwd,
    env: { ...process.env, NODE_ENV: undefined, ...env },
    onOutput: (stream, text) => {
      printed[stream] += text;
    },
  });
  running.add(kept);
  kept.ended.then(() => running.delete(kept));

  const wholeLines = () =>
    [printed.stdout, printed.stderr].flatMap((text) => text.split('\n').slice(0, -1));
  const all = () => `node ${args.join(' ')}\n${printed.stdout}${printed.stderr}`;
  const hopeless = () => {
    const outcome = kept.outcome();
    return outcome && `it ended first (${outcome.code ?? outcome.signal})`;
  };
  const orEnd: Built['until'] = async (condition, what, timeoutMs = 15_000) => {
    try {
      return await until(condition, { what, timeoutMs, hopeless });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${all()}`, { cause: error });
    }
  };
  return {
    pid: kept.pid,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    json: () => wholeLines().flatMap(parsed),
    line: (pattern, timeoutMs) =>
      orEnd(
        () => wholeLines().find((line) => pattern.test(line)),
        `a line like ${pattern}`,
        timeoutMs,
      ),
    until: orEnd,
    kill: (signal) => kept.kill(signal),
    async stop(signal = 'SIGTERM') {
      kept.kill(signal);
      return (await kept.ended).code;
    },
    ended: kept.ended,
  };
}

function parsed(line: string): Record<string, unknown>[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
}
