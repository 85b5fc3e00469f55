// --wait: until every process that answers has applied what was committed before a mark. Each says on the list in Redis
// how far it is, once a second, and at its ops port at any time.

import { setTimeout as pause } from 'node:timers/promises';
import type { SourceMs } from '../health-code.ts';
import type { Registered } from '../redis/processes.ts';
import { grouped } from './confirm.ts';
import type { WriterMark } from './mark.ts';
import { readMetrics } from './ops-client.ts';
import { time } from './process-figures.ts';

/** `--wait`, unless told. */
export const WAIT_MS = 10_000;

export interface Waited {
  readonly ms: number;
  /** That have reached the mark. */
  readonly processes: number;
  /** That have not within the time. */
  readonly missing: readonly Late[];
}

export interface Late {
  readonly name: string;
  /** By how much it is behind the mark; undefined: it does not say. */
  readonly behindMs: number | undefined;
}

export type WaitFor = (mark: WriterMark) => Promise<Waited>;

export interface WaitOptions {
  /** Who is registered now; throws when that cannot be read. */
  readonly list: () => Promise<readonly Registered[]>;
  /** Ops ports of others, as origins. */
  readonly ops: readonly string[];
  readonly withinMs: number;
}

const EVERY_MS = 20;
const OPS_TIMEOUT_MS = 500;
/** Twice as long as anybody who lives is silent. */
const GONE_AFTER_MS = 2_000;

/** @throws when nobody can be asked who is there: before anything is changed */
export async function waitFor({ list, ops, withinMs }: WaitOptions): Promise<WaitFor> {
  const first = await list();
  return async (mark) => {
    const begun = performance.now();
    const wanted = msOf(mark.as_of);
    const all = new Map<string, Progress>();
    for (const origin of ops) all.set(origin, new Progress(origin, false));
    let listed = first;
    for (;;) {
      for (const one of listed.filter(answers)) {
        const known = all.get(one.name) ?? new Progress(`http://${one.ops}`, true);
        known.noteListed(one.resolved);
        all.set(one.name, known);
      }
      for (const [name, one] of all) if (one.isGone) all.delete(name);
      await Promise.all([...all.values()].map((one) => one.look(wanted)));
      const missing = [...all].flatMap(([name, one]) => one.lateTo(wanted, name));
      const ms = performance.now() - begun;
      if (missing.length === 0 || ms >= withinMs)
        return { ms: Math.round(ms), processes: all.size - missing.length, missing };
      await pause(EVERY_MS);
      // While the list cannot be read, those of before are waited for.
      listed = await list().catch(() => listed);
    }
  };
}

/** How far one process is, as far as is known. */
class Progress {
  readonly #origin: string;
  readonly #isListed: boolean;
  #resolved: SourceMs = -Infinity;
  #listedMs = 0;
  /** Its ops port cannot be reached from here: what it says on the list must do. */
  #silent = false;

  /** @param isListed it is waited for because it was listed */
  constructor(origin: string, isListed: boolean) {
    this.#origin = origin;
    this.#isListed = isListed;
  }

  /** What it says on the list, of which it is. */
  noteListed(resolved: SourceMs): void {
    this.#listedMs = performance.now();
    this.#note(resolved);
  }

  /** Neither listed nor at its port. A Redis that is emptied loses the list, and it is whole again in a second. */
  get isGone(): boolean {
    return this.#isListed && this.#silent && performance.now() - this.#listedMs > GONE_AFTER_MS;
  }

  async look(wanted: SourceMs): Promise<void> {
    if (this.#resolved >= wanted || (this.#silent && this.#isListed)) return;
    try {
      const metrics = await readMetrics(this.#origin, OPS_TIMEOUT_MS);
      this.#note(Math.round((metrics.get('lookup_feed_resolved_seconds') ?? 0) * 1_000));
      this.#silent = false;
    } catch {
      this.#silent = true;
    }
  }

  #note(resolved: SourceMs): void {
    if (resolved > this.#resolved) this.#resolved = resolved;
  }

  /** @returns none, or one */
  lateTo(wanted: SourceMs, name: string): Late[] {
    if (this.#resolved >= wanted) return [];
    return [{ name, behindMs: this.#resolved > 0 ? wanted - this.#resolved : undefined }];
  }
}

/** A relay alone answers nobody. */
const answers = ({ role }: Registered) => role !== 'relay';

/** RFC 3339 with microseconds -> milliseconds, no earlier */
function msOf(asOf: string): SourceMs {
  const [, micros = '000'] = /\.\d{3}(\d{3})Z$/.exec(asOf) ?? [];
  return Date.parse(asOf) + (micros === '000' ? 0 : 1);
}

export function waitedText({ ms, processes, missing }: Waited): string {
  const count = `${grouped(processes)} process${processes === 1 ? '' : 'es'}`;
  if (missing.length === 0)
    return processes === 0
      ? 'no process is registered: nobody was waited for'
      : `shows in ${count} after ${time(ms / 1_000)}`;
  const late = missing.map(({ name, behindMs }) =>
    behindMs === undefined
      ? `${name} (does not say how far it is)`
      : `${name} (${time(behindMs / 1_000)} behind)`,
  );
  const where = `it does in ${count}, not yet in ${late.join(', ')}`;
  return `committed, but after ${time(ms / 1_000)} it does not show everywhere: ${where}`;
}
