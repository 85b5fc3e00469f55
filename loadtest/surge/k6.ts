// One run of a script by k6, with its figures of each second and its summary.

import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { dropFolder, heldFolder, keep } from '../../test/keeper.ts';
import type { Data } from '../lib/summary-data.ts';
import { ROOT } from '../rig/root.ts';
import { withoutOurs } from '../rig/served.ts';
import type { GeneratorCpu } from './generator-cpu.ts';
import { follower, Seconds } from './seconds.ts';

export interface K6Options {
  /** Where it is. */
  readonly k6: string;
  /** Name of a file in loadtest/, without its ending. */
  readonly script: string;
  /** As lib/settings.ts reads it. */
  readonly env: Readonly<Record<string, string>>;
  readonly generator: GeneratorCpu;
  /** It is ended when it takes longer. */
  readonly secondsMax: number;
  readonly signal: AbortSignal;
  /** Told once a second. */
  readonly onSecond: (seconds: Seconds) => void;
}

export interface K6Ended {
  /** It came to its end by itself. */
  readonly isWhole: boolean;
  readonly summary: Summary;
  readonly seconds: Seconds;
}

/** What lib/summary.ts writes. */
export interface Summary {
  readonly scenario: string;
  readonly metrics: Data['metrics'];
  readonly testRunDurationMs: number;
  /** Of a breakpoint. */
  readonly heldPerS?: number;
  readonly limitedBy?: string;
}

/** 99: a threshold did not hold. */
const ENDED_BY_ITSELF = [0, 99];
/** By a signal. */
const INTERRUPTED = 105;
const EVERY_MS = 1_000;
const KILL_AFTER_MS = 20_000;
const PRINTED_MAX = 4_000;
const SAID_MAX = 10;
/**
 * Its collector runs seldom, for on a machine that they share what it costs is the service's; but not as seldom as
 * there is room for, because a virtual machine's memory is slow where nobody has been: what it grew to is used again.
 * On fewer than four threads everybody must help it, and nobody is asked meanwhile.
 */
const COLLECTOR = {
  GOGC: '1000',
  GOMEMLIMIT: `${Math.floor(Math.min(12 * 2 ** 30, memoryBytes() / 2))}`,
  GOMAXPROCS: `${Math.max(4, availableParallelism())}`,
};
/** That this machine has, or this container may take. */
function memoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

const NO_NETWORK = { K6_NO_USAGE_REPORT: 'true', K6_AUTO_EXTENSION_RESOLUTION: 'false' };

/** Of a run that told none itself: what can be counted of its seconds, and no verdict. */
function summaryOf({ script, secondsMax }: K6Options, { total }: Seconds): Summary {
  const { asked, answered, shed, failed, wrong, unmarked } = total;
  const counts = { asked, answered, shed, failed, wrong, stale_unmarked: unmarked };
  const metrics = Object.entries(counts).map(
    ([name, count]) => [name, { type: 'counter', values: { count } }] as const,
  );
  return {
    scenario: script,
    metrics: Object.fromEntries(metrics),
    testRunDurationMs: secondsMax * 1_000,
  };
}

/** @throws when it could not run its course: a script that does not load, a system that is not there */
export async function runK6(options: K6Options): Promise<K6Ended> {
  const { k6, script, env, generator, secondsMax, signal, onSecond } = options;
  const dir = heldFolder();
  const [lines, summary] = [join(dir, 'lines'), join(dir, 'summary.json')];
  const seconds = new Seconds();
  const read = follower(lines, (line) => seconds.add(line));
  let printed = '';
  const failed = (what: string) => {
    const said = seconds.said.slice(0, SAID_MAX).join('\n');
    return new Error(`${what} in ${script}.ts:\n${printed}\n${said}`);
  };
  try {
    const run = await keep({
      command: k6,
      args: [
        ...['run', '--quiet', '--include-system-env-vars', '--log-format', 'raw'],
        ...['--console-output', lines, join(ROOT, 'loadtest', `${script}.ts`)],
      ],
      cwd: ROOT,
      env: {
        ...withoutOurs(process.env),
        ...COLLECTOR,
        ...NO_NETWORK,
        ...env,
        ...{ SERIES: '1', SUMMARY: summary, GENERATOR_URL: generator.url },
      },
      onOutput: (_, text) => {
        printed = (printed + text).slice(-PRINTED_MAX);
      },
    });
    generator.watch(run.pid);
    let killing: NodeJS.Timeout | undefined;
    const end = () => {
      run.kill('SIGINT');
      // With streams open it may wait for ever.
      killing ??= setTimeout(() => run.kill('SIGKILL'), KILL_AFTER_MS);
    };
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      end();
    }, secondsMax * 1_000);
    signal.addEventListener('abort', end);
    const ticking = setInterval(() => {
      read();
      onSecond(seconds);
    }, EVERY_MS);
    const { code } = await run.ended;
    clearInterval(ticking);
    clearTimeout(late);
    clearTimeout(killing);
    signal.removeEventListener('abort', end);
    signal.throwIfAborted();
    read();
    const isWhole = code !== null && ENDED_BY_ITSELF.includes(code);
    // Killed, it tells no more than it had told of each second.
    if (isLate && code === null) return { isWhole, summary: summaryOf(options, seconds), seconds };
    if (!isWhole && !(isLate && code === INTERRUPTED)) throw failed(`k6 ended with ${code}`);
    const told = JSON.parse(readFileSync(summary, 'utf8')) as Summary;
    if (seconds.bySecond.size === 0) throw failed('k6 ended before a second was over');
    return { isWhole, summary: told, seconds };
  } finally {
    await dropFolder(dir);
  }
}
