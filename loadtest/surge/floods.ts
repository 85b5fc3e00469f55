// The floods of an overload: a short one, a pause, and the one that is judged. Each is a process of its own
// (flood.ts), which ends with the load at the latest.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Kept, keep } from '../../test/keeper.ts';
import { orderOf } from '../lib/order.ts';
import { subjectAt } from '../lib/population.ts';
import { endedOrKilled } from '../rig/ended.ts';
import { byLine } from '../rig/lines.ts';
import { ROOT } from '../rig/root.ts';
import type { FloodOptions, FloodSecond } from './flood.ts';
import type { Stage } from './stage.ts';

export interface Floods {
  readonly first: readonly FloodSecond[];
  readonly judged: readonly FloodSecond[];
}

export interface FloodTimes {
  readonly firstS: number;
  readonly pauseS: number;
  readonly judgedS: number;
}

export interface Flooding {
  readonly floods: Floods;
  /** Once, whoever calls again. */
  begin(): void;
  /** @throws when one of them did not run its course, or none was begun */
  ended(): Promise<void>;
  /** Whatever is left of them. */
  end(): Promise<void>;
}

/** So many that each asks about once a second at most, and that neither tokens nor people are remembered until then. */
const FLOODING_PEOPLE = 30_000;

/** @param folder for what they need, until they have ended */
export function floodingOf(
  stage: Stage,
  options: Pick<FloodOptions, 'perS' | 'connections'>,
  { firstS, pauseS, judgedS }: FloodTimes,
  folder: string,
): Flooding {
  const ending = new AbortController();
  const signal = AbortSignal.any([stage.signal, ending.signal]);
  const [first, judged]: [FloodSecond[], FloodSecond[]] = [[], []];
  const tokensFile = join(folder, 'tokens');
  writeFileSync(tokensFile, tokensOf(stage));
  const one = async (seconds: number, into: FloodSecond[]) => {
    signal.throwIfAborted();
    const flood = await startFlood(stage, { ...options, tokensFile, seconds }, (second) =>
      into.push(second),
    );
    const { code } = await endedOrKilled(flood.ended, () => flood.kill('SIGKILL'), signal);
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`the flood did not run its course: it ended with ${code}`);
  };
  const all = async () => {
    await one(firstS, first);
    await pause(pauseS * 1_000, undefined, { signal });
    await one(judgedS, judged);
  };
  let running: Promise<void> | undefined;
  return {
    floods: { first, judged },
    begin() {
      if (running) return;
      running = all();
      // Told to who asks how they ended.
      running.catch(() => {});
    },
    async ended() {
      if (!running) throw new Error('the load ended before the flood began');
      await running;
    },
    async end() {
      ending.abort();
      await running?.catch(() => {});
    },
  };
}

export const floodingPeople = ({ plan }: Stage): number => Math.min(FLOODING_PEOPLE, plan.people);

/** Of people at the end of the order: the script does not come to them. */
function tokensOf(stage: Stage): string {
  const { rig, plan } = stage;
  const order = orderOf(plan.people, plan.seed);
  const of = (i: number) => rig.keys.token(subjectAt(order.at(plan.people - 1 - i), plan.seed));
  return Array.from({ length: floodingPeople(stage) }, (_, i) => of(i)).join('\n');
}

function startFlood(
  { rig }: Stage,
  options: Omit<FloodOptions, 'urls'>,
  onSecond: (second: FloodSecond) => void,
): Promise<Kept> {
  const urls = rig.services.map(({ ports }) => `http://127.0.0.1:${ports.http}`);
  const words: FloodOptions = { ...options, urls };
  const lines = byLine((line) => onSecond(JSON.parse(line) as FloodSecond));
  return keep({
    command: process.execPath,
    args: [join(ROOT, 'dist/rig/loadtest/surge/flood.js'), JSON.stringify(words)],
    cwd: ROOT,
    onOutput: (stream, text) => {
      if (stream === 'stdout') lines(text);
      else process.stderr.write(text);
    },
  });
}
