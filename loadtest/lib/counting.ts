// One answer, judged and counted once (k6).

import type { Changes } from './changes.ts';
import type { Answer } from './clients.ts';
import { figures } from './figures.ts';
import { judge } from './judge.ts';
import { photoIdAt } from './photos.ts';
import { colorAt } from './population.ts';
import { type Door, type EndingName, note } from './series.ts';
import { settings } from './settings.ts';
import { keepVersion } from './versions.ts';

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
  /** Told to a gate: at least this one; without a version a gate cannot know the newer answer. */
  readonly versionLeast?: number;
}

/** By color. */
const UNCHANGED = [0, 1, 2, 3].map((color) => ({ colors: [color], photos: [undefined] }));

const COUNTERS = {
  asked: figures.asked,
  answered: figures.answered,
  shed: figures.shed,
  failed: figures.failed,
  wrong: figures.wrong,
  unmarked: figures.staleUnmarked,
};
const NAMES = Object.keys(COUNTERS) as (keyof typeof COUNTERS)[];
const untold = { asked: 0, answered: 0, shed: 0, failed: 0, wrong: 0, unmarked: 0 };

/** Tells k6 what was counted since the last time: a sample costs two microseconds, nine times an addition. */
export function tell(): void {
  for (const name of NAMES) {
    if (untold[name] === 0) continue;
    COUNTERS[name].add(untold[name]);
    untold[name] = 0;
  }
}

/** Until {@link tell} k6 knows nothing of it. @returns whether they have an answer now: whoever has none comes back */
export function count(answer: Answer, asked: Asked, changes: Changes | undefined): boolean {
  const { door, index, isHot = false } = asked;
  const { tookMs, layer } = answer;
  const name = endingOf(answer, asked, changes);
  untold.asked += 1;
  untold[name] += 1;
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
  { index, askedMs, versionLeast = 1 }: Asked,
  changes: Changes | undefined,
): EndingName {
  if (ending === 'absent') return 'wrong';
  if (typeof ending === 'string') return ending;
  const arrivedMs = Date.now();
  const allowed =
    changes?.allowed(index, ending.asOfMs, arrivedMs) ??
    (UNCHANGED[colorAt(index, seed)] as (typeof UNCHANGED)[number]);
  const photo = photoIdAt(index, seed);
  const verdict = judge(ending, {
    ...{ allowed, photo, versionLeast },
    ...{ askedMs, arrivedMs, freshMs, clockMs },
  });
  if (changes && verdict === 'right' && ending.version) keepVersion(index, ending.version);
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
