// One answer, judged and counted once (k6).

import type { Changes } from './changes.ts';
import type { Answer } from './clients.ts';
import { figures } from './figures.ts';
import { judge } from './judge.ts';
import { photoIdAt } from './photos.ts';
import { colorAt } from './population.ts';
import { type Door, type EndingName, note } from './series.ts';
import { settings } from './settings.ts';

const { seed, freshMs, clockMs, httpLateMs, grpcLateMs } = settings;

/** A virtual user shows so many of what went wrong: all of them together would be the only thing that it does. */
const SHOWN_MAX = 2;
const shown: Record<string, number> = {};

function show(what: EndingName, index: number, why: unknown): void {
  const count = (shown[what] ?? 0) + 1;
  shown[what] = count;
  if (count <= SHOWN_MAX) console.error(`${what}: person ${index}: ${JSON.stringify(why)}`);
}

export interface Asked {
  readonly door: Door;
  readonly index: number;
  readonly askedMs: number;
  /** Whom all ask about: what is measured is the time of everybody else. */
  readonly isHot?: boolean;
}

const UNCHANGED = [undefined];

const COUNTERS = {
  answered: figures.answered,
  shed: figures.shed,
  failed: figures.failed,
  wrong: figures.wrong,
  unmarked: figures.staleUnmarked,
};

/** @returns whether they have an answer now: whoever has none comes back */
export function count(answer: Answer, asked: Asked, changes: Changes | undefined): boolean {
  const { door, index, isHot = false } = asked;
  const { tookMs, layer } = answer;
  const name = endingOf(answer, asked, changes);
  figures.asked.add(1);
  COUNTERS[name].add(1);
  note(door, name, tookMs, layer);
  if (layer !== '') countLayer(layer);
  if (name !== 'answered' || tookMs > lateMs(door)) figures.notGood.add(1);
  if (name !== 'answered') show(name, index, answer.why);
  if (name === 'shed' || name === 'failed') return false;
  if (isHot) figures.hotMs.add(tookMs);
  else time(door, tookMs);
  return true;
}

function endingOf(
  { ending }: Answer,
  { index, askedMs }: Asked,
  changes: Changes | undefined,
): EndingName {
  if (ending === 'absent') return 'wrong';
  if (typeof ending === 'string') return ending;
  const allowed = changes?.allowed(index, ending.asOfMs, Date.now()) ?? {
    colors: [colorAt(index, seed)],
    photos: UNCHANGED,
  };
  const photo = photoIdAt(index, seed);
  const verdict = judge(ending, { allowed, askedMs, photo, freshMs: freshMs + clockMs });
  if (verdict === 'right' && ending.isStale) figures.staleMarked.add(1);
  return verdict === 'right' ? 'answered' : verdict;
}

const lateMs = (door: Door) => (door === 'http' ? httpLateMs : grpcLateMs);

/** Of what was answered: a refusal is fast, and would make it look better. */
function time(door: Door, tookMs: number): void {
  const inTime = tookMs <= lateMs(door);
  if (door === 'http') {
    figures.httpMs.add(tookMs);
    figures.httpInTime.add(inTime);
  } else {
    (door === 'grpc' ? figures.grpcMs : figures.lineMs).add(tookMs);
    figures.grpcInTime.add(inTime);
  }
}

function countLayer(layer: string): void {
  figures.fromMemory.add(layer === 'LAYER_MEMORY');
  figures.fromRedis.add(layer === 'LAYER_REDIS');
  figures.fromSource.add(layer === 'LAYER_SOURCE');
}
