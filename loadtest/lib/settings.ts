// What a run is told by its environment (k6). README.md has those that one may want to set by hand.

import { GATES } from './shares.ts';

type Env = Readonly<Record<string, string | undefined>>;
const env = __ENV as Env;

function need(name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: see loadtest/README.md`);
  return value;
}

function number(name: string, otherwise?: number): number {
  const text = env[name] || (otherwise === undefined ? need(name) : String(otherwise));
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${name}=${text}: a number from 0 on`);
  return value;
}

const list = (name: string) =>
  need(name)
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

const seconds = number('SECONDS', 60);

export const settings = {
  httpUrls: list('HTTP_URLS'),
  grpcAddrs: list('GRPC_ADDRS'),
  tokenKeys: need('TOKEN_KEYS'),
  /** Epoch ms from which phones' tokens are; 0: from the start. Runners that share a city must be told the same. */
  tokensFromMs: number('TOKENS_FROM_MS', 0),
  people: number('PEOPLE'),
  seed: number('SEED', 1),
  /** First openings a second, at the peak. */
  rate: number('RATE', 50),
  /** Of the peak. */
  seconds,
  /** Within this time three in ten open again: ten minutes, in a run that is as long as that. */
  reopenSeconds: number('REOPEN_SECONDS', Math.min(600, seconds)),
  freshMs: number('FRESH_MS', 2_000),
  /** By how much the generator's clock may differ from the source's. */
  clockMs: number('CLOCK_MS', 2),
  /** An answer that takes longer is late; one in a hundred may be. */
  httpLateMs: number('HTTP_LATE_MS', 100),
  grpcLateMs: number('GRPC_LATE_MS', 50),
  /** Of phones whom the generator let in too late: more, and its figures are its own. */
  generatorLateShare: number('GENERATOR_LATE_SHARE', 0.01),
  /** Questions that may be refused, or fail: none, but on a machine whose pauses nobody answers for. */
  refusedMax: number('REFUSED_MAX', 0),
  /** The same of photos. */
  photosRefusedMax: number('PHOTOS_REFUSED_MAX', 0),
  /** Answers that may say that they are old: one in a hundred, unless told. */
  staleMax: number('STALE_MAX', Math.ceil(number('RATE', 50) * seconds * 0.01)),
  /**
   * Phones are opened so many at the same instant, by one virtual user: what k6 spends on an arrival is spent once for
   * all of them. A bunch is harder on the service, not easier.
   */
  bunch: number('BUNCH', 1),
  /** Virtual users are there for a rate at which each is busy for so long. */
  busyMs: number('BUSY_MS', 150),
  /** Where the runner tells the generator's own CPU: GET -> share of what it may use, 0 to 1. */
  generatorUrl: env.GENERATOR_URL ?? '',
  /** Of the layer that answered gates: at least so many of memory and of Redis, else they were not tested. */
  layerShare: number('LAYER_SHARE', 0.05),
  /** Of all questions, on one person (hot-key). */
  hotShare: number('HOT_SHARE', 0.3),
  /** Of a breakpoint's stairs. */
  steps: number('STEPS', 20),
  /** Of those who opened, whom a gate asks about. */
  gates: number('GATES', GATES),
  allPeople: env.ALL_PEOPLE === '1',
  series: env.SERIES === '1',
  summary: env.SUMMARY ?? '',
  changes: {
    fromMs: number('CHANGES_FROM_MS', 0),
    perS: number('CHANGES_PER_S', 5),
    lateMs: number('CHANGES_LATE_MS', 500),
    visibleMs: number('VISIBLE_MS', 2_000),
  },
} as const;
