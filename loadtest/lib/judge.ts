// What an answer is worth, by the formula and by the clock. Imports types only.

import type { Allowed } from './changes.ts';

/** What somebody was told. */
export interface Told {
  /** 1 to 3; 0: none that is known. */
  readonly color: number;
  /** 22 characters; undefined: none. */
  readonly photo: string | undefined;
  /** Epoch milliseconds; NaN when it was not told. */
  readonly asOfMs: number;
  /** It says itself that it is old. */
  readonly isStale: boolean;
  /** Told to gates: orders what is told of one person. */
  readonly version?: number | undefined;
}

/** `unmarked`: right, but older than it may be without saying so; or of a time that has not come. */
export type Verdict = 'right' | 'wrong' | 'unmarked';

export interface Expected {
  readonly allowed: Allowed;
  /** The photo that they have had all the time. */
  readonly photo: string;
  /** When the question was sent, and the answer there. */
  readonly askedMs: number;
  readonly arrivedMs: number;
  readonly freshMs: number;
  /** By how much clocks may differ. */
  readonly clockMs: number;
  /** The newest that the same process had told of them before it was asked. */
  readonly versionLeast: number;
}

export function judge(told: Told, expected: Expected): Verdict {
  const { allowed, photo, askedMs, arrivedMs, freshMs, clockMs } = expected;
  if (!allowed.colors.includes(told.color)) return 'wrong';
  if (told.version !== undefined && !(told.version >= expected.versionLeast)) return 'wrong';
  // The usual one is `undefined` there.
  const { photos } = allowed;
  const isTheirs = told.photo === photo && photos.includes(undefined);
  if (told.photo === undefined || !(isTheirs || photos.includes(told.photo))) return 'wrong';
  // Counted from the question: the way back is not the service's.
  if (!told.isStale && !(askedMs - told.asOfMs <= freshMs + clockMs)) return 'unmarked';
  if (told.asOfMs > arrivedMs + clockMs) return 'unmarked';
  return 'right';
}
