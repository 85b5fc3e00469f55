// The script's figures of each second (lib/series.ts), added up over its virtual users as they are told.

import { closeSync, openSync, readSync } from 'node:fs';
import { byLine } from '../rig/lines.ts';

/** What the scripts tell apart. */
export const DOORS = ['http', 'grpc', 'line'] as const;
type Door = (typeof DOORS)[number];

export interface Second {
  asked: number;
  answered: number;
  shed: number;
  failed: number;
  wrong: number;
  unmarked: number;
  /** Of what gates were answered: LAYER_MEMORY and so on -> how many. */
  readonly from: Record<string, number>;
  /** Bucket n of time (see lib/series.ts) -> answers, by door. */
  readonly took: Readonly<Record<Door, Record<number, number>>>;
}

interface Line {
  readonly at: number;
  readonly door: Door;
  readonly ends: Readonly<Record<string, number>>;
  readonly from: Readonly<Record<string, number>>;
  readonly took: Readonly<Record<string, number>>;
}

const newSecond = (): Second => ({
  ...{ asked: 0, answered: 0, shed: 0, failed: 0, wrong: 0, unmarked: 0 },
  from: {},
  took: { http: {}, grpc: {}, line: {} },
});

const addTo = (to: Record<string, number>, from: Readonly<Record<string, number>>) => {
  for (const [key, count] of Object.entries(from)) to[key] = (to[key] ?? 0) + count;
};

export class Seconds {
  /** Epoch second -> figures. */
  readonly bySecond = new Map<number, Second>();
  /** What the script says besides: the first lines of it. */
  readonly said: string[] = [];
  readonly total = newSecond();

  add(text: string): void {
    const line = lineOf(text);
    if (!line) {
      if (this.said.length < SAID_MAX && text.trim() !== '') this.said.push(text);
      return;
    }
    const second = this.bySecond.get(line.at) ?? newSecond();
    this.bySecond.set(line.at, second);
    for (const to of [second, this.total]) {
      for (const [name, count] of Object.entries(line.ends)) {
        to[name as 'answered'] += count;
        to.asked += count;
      }
      addTo(to.from, line.from);
      addTo(to.took[line.door], line.took);
    }
  }
}

const SAID_MAX = 200;

function lineOf(text: string): Line | undefined {
  if (!text.startsWith('{"at":')) return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

/** Answers that took no longer, as far as buckets tell. */
export function inTime(took: Readonly<Record<string, number>>, ms: number): number {
  let count = 0;
  for (const [bucket, some] of Object.entries(took)) if (endMs(Number(bucket)) <= ms) count += some;
  return count;
}

const endMs = (bucket: number) => 2 ** ((bucket + 1) / 8) / 1_000;

/** Upper end of the bucket in which this share of the answers ends, in ms; undefined: there are none. */
export function quantile(
  took: Readonly<Record<string, number>>,
  share: number,
): number | undefined {
  const buckets = Object.entries(took)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([a], [b]) => a - b);
  const all = buckets.reduce((sum, [, count]) => sum + count, 0);
  let passed = 0;
  for (const [bucket, count] of buckets) {
    passed += count;
    if (passed >= all * share) return endMs(bucket);
  }
  return undefined;
}

/** Reads a file that another process writes, from where it was left: call it now and then, and once at the end. */
export function follower(path: string, onLine: (line: string) => void): () => void {
  const lines = byLine(onLine);
  const buffer = Buffer.allocUnsafe(1 << 18);
  let at = 0;
  return () => {
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch {
      // Not begun yet.
      return;
    }
    try {
      for (;;) {
        const length = readSync(fd, buffer, 0, buffer.length, at);
        if (length === 0) return;
        at += length;
        lines(buffer.toString('latin1', 0, length));
      }
    } finally {
      closeSync(fd);
    }
  };
}
