// What changes during a run, as a formula: the runner changes the source at these times, and the script knows without
// being told what an answer may say. A change is committed within `lateMs` of its time, for which the runner answers;
// an answer must have been true at some instant between its as_of and its arrival. Imports formulas only.

import { orderOf } from './order.ts';
import { areasAt, changedPhoto, colorAt } from './population.ts';

export interface Schedule {
  readonly people: number;
  readonly seed: number;
  /** Epoch milliseconds, by the clock of generator and source. */
  readonly fromMs: number;
  readonly seconds: number;
  /** Single people, half of whom get another color and half another photo; each at most once. */
  readonly perS: number;
  /** All of this area turns red after three tenths of the time, and back after six; 0: none does. */
  readonly district: number;
  /** Index of somebody who gets another color and another photo every second; -1: nobody. */
  readonly hot: number;
  readonly lateMs: number;
}

export interface Change {
  readonly atMs: number;
  readonly index: number;
  /** What they have from now on. */
  readonly color?: number;
  readonly photo?: string;
}

/** What somebody is allowed to be told. */
export interface Allowed {
  /** 1 to 3, more than one while it changes. */
  readonly colors: readonly number[];
  /** Undefined: the one that they have had all the time. */
  readonly photos: readonly (string | undefined)[];
}

const RED = 3;
/** Photo ids of the hot person are told from those of the others by this. */
const HOT = 2 ** 27;

const nextColor = (color: number) => (color % 3) + 1;

export interface Changes {
  /** Changes of single people, in the order of time. */
  readonly count: number;
  changeAt(k: number): Change;
  /** The hot person's own, one a second. */
  hotAt(k: number): Change;
  readonly redFromMs: number;
  readonly redToMs: number;
  /** Of an answer that was true between these times. */
  allowed(index: number, asOfMs: number, arrivedMs: number): Allowed;
}

export function changesOf(schedule: Schedule): Changes {
  const { people, seed, fromMs, seconds, perS, district, hot, lateMs } = schedule;
  const order = orderOf(people, seed + 1);
  const count = Math.min(Math.floor(perS * seconds), people);
  const [redFromMs, redToMs] = [0.3, 0.6].map((part) => fromMs + part * seconds * 1_000) as [
    number,
    number,
  ];
  const changeAt = (k: number): Change => {
    const index = order.at(k);
    const what =
      k % 2 === 0 ? { color: nextColor(colorAt(index, seed)) } : { photo: changedPhoto(k, seed) };
    return { atMs: fromMs + (k * 1_000) / perS, index, ...what };
  };
  const hotAt = (k: number): Change => ({
    atMs: fromMs + k * 1_000,
    index: hot,
    color: (k % 3) + 1,
    photo: changedPhoto(HOT + k, seed),
  });

  /** Before its change, after it, or both. */
  function own(index: number, asOfMs: number, arrivedMs: number): Allowed {
    const before: Allowed = { colors: [colorAt(index, seed)], photos: [undefined] };
    const place = order.placeOf(index);
    if (place >= count) return before;
    const { atMs, color, photo } = changeAt(place);
    const mayBeNew = arrivedMs >= atMs;
    const mayBeOld = asOfMs < atMs + lateMs;
    const sides = <T>(old: T, now: T) => [...(mayBeOld ? [old] : []), ...(mayBeNew ? [now] : [])];
    return {
      colors: color === undefined ? before.colors : sides(before.colors[0] as number, color),
      photos: photo === undefined ? before.photos : sides(undefined, photo),
    };
  }

  function ownOfHot(asOfMs: number, arrivedMs: number): Allowed {
    const first = Math.floor((asOfMs - lateMs - fromMs) / 1_000);
    const last = Math.min(Math.floor((arrivedMs - fromMs) / 1_000), Math.ceil(seconds) - 1);
    const [colors, photos]: [number[], (string | undefined)[]] = [[], []];
    if (first < 0) {
      colors.push(colorAt(hot, seed));
      photos.push(undefined);
    }
    for (let k = Math.max(0, Math.min(first, last)); k <= last; k++) {
      const { color, photo } = hotAt(k);
      colors.push(color as number);
      photos.push(photo);
    }
    return { colors, photos };
  }

  return {
    count,
    changeAt,
    hotAt,
    redFromMs,
    redToMs,
    allowed(index, asOfMs, arrivedMs) {
      const { colors, photos } =
        index === hot ? ownOfHot(asOfMs, arrivedMs) : own(index, asOfMs, arrivedMs);
      if (district === 0 || !areasAt(index, seed).includes(district)) return { colors, photos };
      const mayBeRed = arrivedMs >= redFromMs && asOfMs < redToMs + lateMs;
      const mayBeOwn = asOfMs < redFromMs + lateMs || arrivedMs >= redToMs;
      return { colors: [...(mayBeOwn ? colors : []), ...(mayBeRed ? [RED] : [])], photos };
    },
  };
}
