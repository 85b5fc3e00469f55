// Figures of each second as lines of JSON on the console, for the runner's plots (k6 run --console-output FILE): k6's
// own outputs write a dozen lines a request, which no generator can afford at full scale. Each virtual user adds up its
// own second, and tells it when the next one begins: the last second of each is missing here, and in no total.

import { settings } from './settings.ts';

export type Door = 'http' | 'grpc' | 'line';
export type EndingName = 'answered' | 'shed' | 'failed' | 'wrong' | 'unmarked';

/** One line: second since 1970, door, questions by their ending, and by how long they took. */
interface Second {
  at: number;
  readonly door: Door;
  ends: Record<string, number>;
  /** Of answers to gates: LAYER_MEMORY and so on -> how many. */
  from: Record<string, number>;
  /** log2 of the microseconds, in eighths -> answers; the bucket's upper end is 2^((n + 1) / 8). */
  took: Record<number, number>;
}

const seconds: Partial<Record<Door, Second>> = {};

/** @param layer empty where it is not told */
export function note(door: Door, ending: EndingName, tookMs: number, layer: string): void {
  if (!settings.series) return;
  const at = Math.floor(Date.now() / 1_000);
  let second = seconds[door];
  if (second === undefined || second.at !== at) {
    if (second) console.log(JSON.stringify(second));
    second = { at, door, ends: {}, from: {}, took: {} };
    seconds[door] = second;
  }
  const bucket = Math.floor(8 * Math.log2(Math.max(tookMs * 1_000, 1)));
  if (layer !== '') second.from[layer] = (second.from[layer] ?? 0) + 1;
  second.ends[ending] = (second.ends[ending] ?? 0) + 1;
  // A refusal is fast, and would make answers look better.
  if (ending !== 'shed' && ending !== 'failed')
    second.took[bucket] = (second.took[bucket] ?? 0) + 1;
}
