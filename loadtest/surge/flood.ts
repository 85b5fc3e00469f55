// A plain flood of phones (autocannon), as a process of its own: many who refresh without end, on connections that
// they keep. It asks at a given rate as far as its connections allow: each asks again when it has been answered. Ends
// by itself. Prints a line of JSON a second.
//
// A connection that has a rate asks for a whole second's worth at the second's beginning, one question after the other:
// so connections begin in small groups, spread over the second, or all of them would ask in step.

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

export interface FloodOptions {
  readonly urls: readonly string[];
  /** A file of tokens, one a line: each connection goes through some of its own. */
  readonly tokensFile: string;
  readonly perS: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface FloodSecond {
  /** Epoch second. */
  readonly at: number;
  readonly answered: number;
  /** Of those: within the time that a phone waits. */
  readonly inTime: number;
  readonly refused: number;
  /** Of those: within {@link REFUSED_MS}. */
  readonly refusedInTime: number;
  /** The slowest refusal in a hundred, in ms. */
  readonly refusalP99Ms: number;
  readonly other: number;
  /** By how much the flood's own turns were late, the slowest in a hundred: it hears answers no sooner. */
  readonly ownLateMs: number;
}

/** A phone waits no longer. */
export const LATE_MS = 100;
/** Who is refused is told so as soon as this. */
export const REFUSED_MS = 50;
const REFUSED = new Set([429, 503]);

/** Its own lateness is looked at so often. */
const TURNS_MS = 5;
/** Connections that begin together. */
const GROUP = 5;

interface Group {
  readonly url: string;
  readonly connections: number;
  readonly perS: number;
  /** One after the other for the first connection, the next for the second, and so on. */
  readonly tokens: readonly string[];
  readonly seconds: number;
}

type Take = Pick<FloodSecond, 'answered' | 'inTime' | 'refused' | 'other'> & {
  refusals: number[];
};

/**
 * In equal parts for each process of the service: no fewer connections than are asked for, but no more than tokens.
 * @throws when there is not a token for each connection of one group to each process
 */
export function groupsOf(
  { urls, connections, perS, seconds }: Omit<FloodOptions, 'tokensFile'>,
  tokens: readonly string[],
): Group[] {
  const most = Math.floor(tokens.length / GROUP / urls.length);
  if (most === 0)
    throw new Error(
      `${tokens.length} people are too few to flood ${urls.length} processes: --people`,
    );
  const count = Math.min(most, Math.ceil(connections / GROUP / urls.length)) * urls.length;
  return Array.from({ length: count }, (_, i): Group => {
    const mine = tokens.filter((_, token) => token % count === i);
    const url = urls[i % urls.length] as string;
    return { url, connections: GROUP, perS: Math.ceil(perS / count), tokens: mine, seconds };
  });
}

function flood({ url, connections, perS, tokens, seconds }: Group) {
  const counts = { answered: 0, inTime: 0, refused: 0, other: 0 };
  let refusals: number[] = [];
  let next = 0;
  let tellEnd: (error: Error | null) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    tellEnd = (error) => (error ? reject(error) : resolve());
  });
  const options: autocannon.Options = {
    url: `${url}/v1/code`,
    connections,
    duration: seconds,
    overallRate: perS,
    // Bounds what a hung service costs.
    timeout: 10,
    setupClient(client) {
      const mine = tokens.filter((_, i) => i % connections === next);
      next += 1;
      client.setRequests(
        mine.map((token) => ({ method: 'GET', headers: { authorization: `Bearer ${token}` } })),
      );
    },
  };
  const run = autocannon(options, (error) => tellEnd(error));
  run.on('response', (_client, status, _bytes, ms) => {
    if (status === 200) {
      counts.answered += 1;
      if (ms <= LATE_MS) counts.inTime += 1;
    } else if (REFUSED.has(status)) {
      counts.refused += 1;
      refusals.push(ms);
    } else counts.other += 1;
  });
  run.on('reqError', () => {
    counts.other += 1;
  });
  const take = (): Take => {
    const taken = { ...counts, refusals };
    Object.assign(counts, { answered: 0, inTime: 0, refused: 0, other: 0 });
    refusals = [];
    return taken;
  };
  return { take, ended };
}

async function main(options: FloodOptions): Promise<void> {
  const tokens = readFileSync(options.tokensFile, 'utf8').trim().split('\n');
  const groups = groupsOf(options, tokens);
  const floods: ReturnType<typeof flood>[] = [];
  const turns = monitorEventLoopDelay({ resolution: TURNS_MS });
  turns.enable();
  const say = () => {
    const all = floods.map(({ take }) => take());
    const sum = (name: 'answered' | 'inTime' | 'refused' | 'other') =>
      all.reduce((total, one) => total + one[name], 0);
    const refusals = all.flatMap((one) => one.refusals).sort((a, b) => a - b);
    const second: FloodSecond = {
      at: Math.floor(Date.now() / 1_000) - 1,
      ...{ answered: sum('answered'), inTime: sum('inTime') },
      ...{ refused: sum('refused'), other: sum('other') },
      refusedInTime: refusals.filter((ms) => ms <= REFUSED_MS).length,
      refusalP99Ms: refusals[Math.floor(refusals.length * 0.99)] ?? 0,
      ownLateMs: Math.max(0, turns.percentile(99) / 1e6 - TURNS_MS),
    };
    turns.reset();
    process.stdout.write(`${JSON.stringify(second)}\n`);
  };
  const timer = setInterval(say, 1_000);
  const begun = performance.now();
  for (const [i, group] of groups.entries()) {
    floods.push(flood(group));
    await pause(Math.max(0, begun + (1_000 * (i + 1)) / groups.length - performance.now()));
  }
  await Promise.all(floods.map(({ ended }) => ended));
  clearInterval(timer);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(JSON.parse(process.argv[2] as string) as FloodOptions);
