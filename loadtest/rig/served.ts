// One process of the built program, to ask, kill, pause and restart.

import { join } from 'node:path';
import { type Kept, keep } from '../../test/keeper.ts';
import { until } from '../../test/wait.ts';
import { byLine } from './lines.ts';
import { ROOT } from './root.ts';

export type Role = 'lookup' | 'relay';

export interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly ops: number;
}

export interface Served {
  /** service-1, relay-2 and so on. */
  readonly name: string;
  readonly role: Role;
  /** It keeps them. A relay listens on the last one only. */
  readonly ports: Ports;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Neither ended nor paused. */
  runs(): boolean;
  /** Whether it ever ended without being told to, started again since or not. */
  readonly died: boolean;
  kill9(): Promise<void>;
  /** It does nothing, and no connection breaks: a machine that hangs. */
  pause(): void;
  resume(): void;
  /** Told to leave, it finishes what it has; killed after 15 s. @returns its exit code; null when it was killed */
  stop(): Promise<number | null>;
  /**
   * After a stop or kill9. Resolves when it listens, ready or not.
   * @param env LOOKUP_… that are others from now on, until the next start
   */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /** @throws when it is not within `timeoutMs` (30 s unless told), with what it says of itself */
  ready(timeoutMs?: number): Promise<void>;
  /** What its /metrics say: `name{labels}` -> value. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  /** The last lines of its log. */
  lines(): readonly string[];
}

export interface ServedOptions {
  readonly name: string;
  readonly role: Role;
  readonly ports: Ports;
  /** LOOKUP_… of all processes of the rig. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

const LINES_MAX = 500;
const STOP_MS = 15_000;

export async function startServed(options: ServedOptions): Promise<Served> {
  const { name, role, ports } = options;
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    if (lines.length > LINES_MAX) lines.shift();
    options.onLine(line);
  };
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${ports.ops}${path}`, { signal: AbortSignal.timeout(1_000) });
  const lastWords = () => lines.slice(-20).join('\n');
  const start = async (env: ServedOptions['env'] = {}) => {
    const kept = await startProgram({ ...options, env: { ...options.env, ...env } }, onLine);
    void kept.ended.then(({ code, signal }) => {
      // Told to leave, it ends with 0; a kill is no word of its own.
      died ||= told ? code !== null && code !== 0 : true;
      onLine(`ended (${code ?? signal})`);
    });
    const hopeless = () => {
      const ended = kept.outcome();
      return ended && `it ended (${ended.code ?? ended.signal})\n${lastWords()}`;
    };
    const listens = async () => (await ask('/livez')).ok;
    await until(listens, { what: `${name} listens`, timeoutMs: 30_000, everyMs: 20, hopeless });
    return kept;
  };
  let [told, died, paused] = [false, false, false];
  let kept = await start();
  const end = async (signal: NodeJS.Signals) => {
    told ||= kept.outcome() === undefined;
    kept.kill(signal);
    kept.kill('SIGCONT');
    paused = false;
    return (await kept.ended).code;
  };
  return {
    name,
    role,
    ports,
    get pid() {
      return kept.pid;
    },
    runs: () => !paused && kept.outcome() === undefined,
    get died() {
      return died;
    },
    async kill9() {
      await end('SIGKILL');
    },
    pause() {
      kept.kill('SIGSTOP');
      paused = true;
    },
    resume() {
      kept.kill('SIGCONT');
      paused = false;
    },
    async stop() {
      const late = setTimeout(() => kept.kill('SIGKILL'), STOP_MS);
      const code = await end('SIGTERM');
      clearTimeout(late);
      return code;
    },
    async start(env) {
      if (!kept.outcome()) return;
      told = false;
      kept = await start(env);
    },
    async ready(timeoutMs = 30_000) {
      let says = 'nothing';
      const isReady = async () => {
        const answer = await ask('/readyz');
        says = (await answer.text()).trim();
        return answer.ok;
      };
      const hopeless = () => (kept.outcome() ? `it ended\n${lastWords()}` : undefined);
      const what = `${name} is ready`;
      await until(isReady, { what, timeoutMs, everyMs: 20, hopeless }).catch((cause) => {
        throw new Error(`${(cause as Error).message}; it says: ${says}`, { cause });
      });
    },
    async metrics() {
      const text = await (await ask('/metrics')).text();
      return new Map(
        text.split('\n').flatMap((line): [string, number][] => {
          const [, name, value] = /^([^#].*) (\S+)$/.exec(line) ?? [];
          return name === undefined ? [] : [[name, Number(value)]];
        }),
      );
    },
    lines: () => lines,
  };
}

function startProgram(
  { role, ports, env }: ServedOptions,
  onLine: (line: string) => void,
): Promise<Kept> {
  const onOut = { stdout: byLine(onLine), stderr: byLine(onLine) };
  return keep({
    command: process.execPath,
    args: [join(ROOT, 'dist/lookup/cli.js'), 'serve', '--role', role],
    cwd: ROOT,
    env: {
      ...withoutOurs(process.env),
      LOOKUP_HTTP_PORT: `${ports.http}`,
      LOOKUP_GRPC_PORT: `${ports.grpc}`,
      LOOKUP_OPS_PORT: `${ports.ops}`,
      ...env,
    },
    onOutput: (stream, text) => onOut[stream](text),
  });
}

/** What the developer's shell says about other servers is nobody's business here. */
export function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(env).filter(([name]) => !/^(LOOKUP_|PG[A-Z]+$)/.test(name));
  return Object.fromEntries(entries);
}
