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
}

/** `unmarked`: right, but older than it may be without saying so. */
export type Verdict = 'right' | 'wrong' | 'unmarked';

export interface Expected {
  readonly allowed: Allowed;
  /** The photo that they have had all the time. */
  readonly photo: string;
  /** When the question was sent. */
  readonly askedMs: number;
  readonly freshMs: number;
}

export function judge(told: Told, { allowed, photo, askedMs, freshMs }: Expected): Verdict {
  if (!allowed.colors.includes(told.color)) return 'wrong';
  // The usual one is `undefined` there.
  const { photos } = allowed;
  const isTheirs = told.photo === photo && photos.includes(undefined);
  if (told.photo === undefined || !(isTheirs || photos.includes(told.photo))) return 'wrong';
  // Counted from the question: the way back is not the service's.
  if (!told.isStale && !(askedMs - told.asOfMs <= freshMs)) return 'unmarked';
  return 'right';
}
