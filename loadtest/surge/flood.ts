// A plain flood of phones, as a process of its own: many who refresh without end, on connections that they keep. It
// asks at a given rate, evenly, as far as its connections allow: who is due while they wait asks as soon as they are
// answered. Ends by itself. Prints a line of JSON a second.
//
// A client of our own, because autocannon spends 60 microseconds on a question: on a machine that they share that is
// the services' CPU, and whoever is busy hears refusals late.

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FloodLine } from './flood-line.ts';

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
/** Bounds what a hung service costs. */
const PATIENCE_MS = 10_000;
const TICK_MS = 2;
/** Connections begin one after the other, within so long. */
const BEGINNING_MS = 1_000;

/** Counts what is heard in a second. */
export class Heard {
  #counts = { answered: 0, inTime: 0, other: 0 };
  #refusals: number[] = [];
  readonly #turns = monitorEventLoopDelay({ resolution: TICK_MS });

  constructor() {
    this.#turns.enable();
  }

  add(status: number, ms: number): void {
    if (status === 200) {
      this.#counts.answered += 1;
      if (ms <= LATE_MS) this.#counts.inTime += 1;
    } else if (REFUSED.has(status)) this.#refusals.push(ms);
    else this.#counts.other += 1;
  }

  /** Of the second that is over; the next one begins. */
  take(): FloodSecond {
    const refusals = this.#refusals.sort((a, b) => a - b);
    const second: FloodSecond = {
      at: Math.floor(Date.now() / 1_000) - 1,
      ...this.#counts,
      refused: refusals.length,
      refusedInTime: refusals.filter((ms) => ms <= REFUSED_MS).length,
      refusalP99Ms: refusals[Math.floor(refusals.length * 0.99)] ?? 0,
      ownLateMs: Math.max(0, this.#turns.percentile(99) / 1e6 - TICK_MS),
    };
    this.#turns.reset();
    this.#counts = { answered: 0, inTime: 0, other: 0 };
    this.#refusals = [];
    return second;
  }
}

/**
 * As many to each process: no fewer connections than are asked for, but no more than tokens.
 * @throws when there is not a token for a connection to each process
 */
export function linesOf(
  { urls, connections }: Pick<FloodOptions, 'urls' | 'connections'>,
  tokens: readonly string[],
  onHeard: (status: number, ms: number) => void,
): FloodLine[] {
  const most = Math.floor(tokens.length / urls.length);
  if (most === 0)
    throw new Error(
      `${tokens.length} people are too few to flood ${urls.length} processes: --people`,
    );
  const count = Math.min(most, Math.ceil(connections / urls.length)) * urls.length;
  return Array.from({ length: count }, (_, i) => {
    const { hostname, port } = new URL(urls[i % urls.length] as string);
    const mine = tokens.filter((_, token) => token % count === i);
    const requests = mine.map((token) =>
      Buffer.from(
        `GET /v1/code HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${token}\r\n\r\n`,
        'latin1',
      ),
    );
    const where = { host: hostname, port: Number(port) };
    return new FloodLine({ ...where, requests, onHeard, patienceMs: PATIENCE_MS });
  });
}

/** Each in its turn, `perS` a second of all of them, for so many seconds. */
export async function keepAsking(
  lines: readonly FloodLine[],
  { perS, seconds }: Pick<FloodOptions, 'perS' | 'seconds'>,
): Promise<void> {
  const begun = performance.now();
  let asked = 0;
  for (;;) {
    const now = performance.now();
    const passedMs = now - begun;
    if (passedMs >= seconds * 1_000) break;
    const open = Math.min(lines.length, Math.ceil((lines.length * passedMs) / BEGINNING_MS));
    const due = Math.floor((passedMs * perS) / 1_000);
    // Whoever was late asks all of them once at most.
    asked = Math.max(asked, due - lines.length);
    for (; asked < due; asked++) {
      const turn = asked % lines.length;
      if (turn < open) lines[turn]?.ask(now);
    }
    await pause(TICK_MS);
  }
  for (const line of lines) line.end();
}

async function main(options: FloodOptions): Promise<void> {
  const tokens = readFileSync(options.tokensFile, 'utf8').trim().split('\n');
  const heard = new Heard();
  const lines = linesOf(options, tokens, (status, ms) => heard.add(status, ms));
  const timer = setInterval(() => {
    process.stdout.write(`${JSON.stringify(heard.take())}\n`);
  }, 1_000);
  await keepAsking(lines, options);
  clearInterval(timer);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(JSON.parse(process.argv[2] as string) as FloodOptions);
