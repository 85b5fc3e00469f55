// An operators' command of the built program, from its start to its end, and what callers see meanwhile.

import { expect } from 'vitest';
import { colorName } from '../lookup/health-code.ts';
import { Gate } from './gate.ts';
import { startBuilt } from './process.ts';
import { until } from './wait.ts';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const built = await startBuilt(args, env);
  const { code } = await built.ended;
  return { code, stdout: built.stdout(), stderr: built.stderr() };
}

/** Runs a command with `--json` that must succeed, and returns its one object. */
export async function runJson(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { code, stdout, stderr } = await run([...args, '--json'], env);
  expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' });
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return JSON.parse(stdout);
}

/** One person, as a phone and a gate are answered by a process that runs. */
export class Onlookers {
  readonly gate: Gate;
  readonly #codeUrl: string;
  readonly #token: string;
  readonly #subject: string;

  constructor(subject: string, ports: { http: number; grpc: number }, token: string) {
    this.gate = new Gate(ports.grpc);
    this.#codeUrl = `http://127.0.0.1:${ports.http}/v1/code`;
    this.#token = token;
    this.#subject = subject;
  }

  /** "red" and a photo's id or "none", or why there is no color. */
  async see(): Promise<{ phone: string; gate: string }> {
    const headers = { authorization: `Bearer ${this.#token}` };
    const response = await fetch(this.#codeUrl, { headers });
    const body = (await response.json()) as { color?: string; photo?: string };
    const id = body.photo?.match(/photo\/([\w-]{22})/)?.[1];
    const { answer } = await this.gate.lookup({ subject: this.#subject });
    const found = answer?.outcome === 'found' ? answer : undefined;
    return {
      phone: response.status === 200 ? `${body.color} ${id ?? 'none'}` : `${response.status}`,
      gate: found
        ? `${found.color === undefined ? '' : colorName(found.color)} ${found.photoId || 'none'}`
        : `${answer?.outcome}`,
    };
  }

  /**
   * Runs a command and looks while it runs, until both see what is expected.
   * @returns milliseconds from its commit, which is the time of its own mark
   */
  async msUntilSeen(
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    expected: string | RegExp,
  ): Promise<number> {
    const running = runJson(args, env);
    let seenAt = 0;
    let last: unknown;
    try {
      await until(
        async () => {
          const seen = await this.see();
          last = seen;
          if (!seen.phone.match(expected) || !seen.gate.match(expected)) return false;
          seenAt = Date.now();
          return true;
        },
        { what: `both see ${expected} after ${args.join(' ')}`, timeoutMs: 10_000 },
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}; last ${JSON.stringify(last)}`, {
        cause: error,
      });
    }
    return seenAt - Date.parse((await running).mark.as_of);
  }

  /**
   * The slowest of setting color, area and photo, each there and back. Twice, because the machine may be at something
   * else just then: the better of the two counts.
   * @param photo a file, and the id that it has
   */
  async slowestMs(
    env: NodeJS.ProcessEnv,
    area: number,
    photo: { file: string; id: string },
  ): Promise<number> {
    const rounds: number[] = [];
    for (let round = 0; round < 2; round++) {
      rounds.push(
        Math.max(
          await this.msUntilSeen(['set-color', this.#subject, 'red'], env, /^red /),
          await this.msUntilSeen(['set-color', this.#subject, 'green'], env, /^green /),
          await this.msUntilSeen(['set-area', `${area}`, 'yellow', '--yes'], env, /^yellow /),
          await this.msUntilSeen(['set-area', `${area}`, 'green', '--yes'], env, /^green /),
          await this.msUntilSeen(['set-photo', this.#subject, photo.file], env, photo.id),
          await this.msUntilSeen(['set-photo', this.#subject, '--none'], env, / none$/),
        ),
      );
    }
    return Math.min(...rounds);
  }

  close(): void {
    this.gate.close();
  }
}
