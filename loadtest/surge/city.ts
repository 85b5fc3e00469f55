// The people of a run: made by the formula into the operators' own commands, as a real city would be brought in.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dropFolder, heldFolder } from '../../test/keeper.ts';
import type { RedisNode } from '../../test/redis-cluster.ts';
import { areaLines, peopleLines, photoLines } from '../lib/generate.ts';
import { endedOrKilled } from '../rig/ended.ts';
import type { Rig } from '../rig/rig.ts';
import { ROOT } from '../rig/root.ts';
import { withoutOurs } from '../rig/served.ts';
import type { Say } from './say.ts';

export interface CityOptions {
  readonly people: number;
  readonly seed: number;
}

export interface CityTimes {
  /** Seconds to bring all people into the source, and from there into Redis. */
  readonly importS: number;
  readonly warmS: number;
  /** Of Redis's memory, for each person, on the masters. */
  readonly redisBytes: number;
}

/** Areas, people and the photos that exist into the source; then all of it into Redis. */
export async function loadCity(
  rig: Rig,
  city: CityOptions,
  say: Say,
  signal: AbortSignal,
): Promise<CityTimes> {
  const { people, seed } = city;
  const empty = await redisMemory(rig);
  await piped(rig, ['import-areas', '-', '--format', 'csv', '--yes'], [areaLines()], signal);
  const importS = await timed(async () => {
    const text = told(peopleLines(people, seed), PEOPLE_A_PIECE, people, say);
    await piped(rig, ['import', '-', '--format', 'csv', '--yes'], text, signal);
  });
  say(`${people} people imported in ${importS.toFixed(1)} s (${perS(people, importS)}/s)`);
  await loadPhotos(rig, city, say, signal);
  const warmS = await timed(async () => {
    const { code, stderr, stdout } = await rig.command(['warm'], signal);
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`lookup warm failed (${code}):\n${stderr}${stdout}`);
  });
  say(`Redis has them after ${warmS.toFixed(1)} s more (${perS(people, warmS)}/s)`);
  const redisBytes = ((await redisMemory(rig)) - empty) / people;
  return { importS, warmS, redisBytes };
}

/** Bytes that all masters say they use. */
async function redisMemory({ redis }: Rig): Promise<number> {
  const used = async (node: RedisNode) => {
    const info = String(await node.ask('INFO', 'memory'));
    return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
  };
  const all = await Promise.all((await redis.masters()).map(used));
  return all.reduce((sum, bytes) => sum + bytes, 0);
}

/** Of lib/generate.ts. */
const PEOPLE_A_PIECE = 5_000;
const SAY_EVERY_MS = 10_000;

/** Tells now and then how far it is. */
function* told(
  pieces: Iterable<string>,
  peopleAPiece: number,
  people: number,
  say: Say,
): Generator<string> {
  const begun = performance.now();
  let [said, made] = [begun, -peopleAPiece];
  for (const piece of pieces) {
    made += peopleAPiece;
    const now = performance.now();
    if (now - said > SAY_EVERY_MS) {
      said = now;
      const leftS = ((now - begun) / 1_000) * (people / made - 1);
      say(`importing: ${made} of ${people} people, about ${Math.ceil(leftS)} s left`);
    }
    yield piece;
  }
}

/** They exist for one in 500; the rest of the line is what the first import has said of them. */
async function loadPhotos(
  rig: Rig,
  { people, seed }: CityOptions,
  say: Say,
  signal: AbortSignal,
): Promise<void> {
  const dir = heldFolder();
  try {
    const seconds = await timed(async () => {
      const words = ['import', '-', '--format', 'csv', '--photos', dir, '--yes'];
      const undo = ['--undo', join(dir, 'undo.csv')];
      await piped(rig, [...words, ...undo], photoLines(people, seed, dir), signal);
    });
    say(`the photos that exist are there after ${seconds.toFixed(1)} s`);
  } finally {
    await dropFolder(dir);
  }
}

/** One of our commands with this as its input. It ends by itself when we do: its input does. */
async function piped(
  rig: Rig,
  words: readonly string[],
  text: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, 'dist/lookup/cli.js'), ...words], {
    cwd: ROOT,
    env: { ...withoutOurs(process.env), ...rig.env },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data) => {
    said = (said + data).slice(-SAID_MAX);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  // A command that refuses its input closes it: why, it says itself.
  const fed = pipeline(Readable.from(text), child.stdin).catch(() => {});
  const code = await endedOrKilled(ended, () => child.kill('SIGTERM'), signal);
  await fed;
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`lookup ${words[0]} failed (${code}):\n${said}`);
}

const SAID_MAX = 4_000;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}

const perS = (people: number, seconds: number) => Math.round(people / seconds);
