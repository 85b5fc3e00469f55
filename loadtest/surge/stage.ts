// One load on a system that runs: the script by k6, the looks at the system beside it, the changes of its schedule.

import { availableParallelism } from 'node:os';
import type { Schedule } from '../lib/changes.ts';
import { type Changed, makeChanges, undoChanges } from '../lib/changing.ts';
import { photoIdAt } from '../lib/generate.ts';
import { PHOTO_BYTES_EVERY } from '../lib/population.ts';
import { upSeconds } from '../lib/shapes.ts';
import { questionsOf, sharesOf } from '../lib/shares.ts';
import type { Rig } from '../rig/rig.ts';
import type { Broken } from './broken.ts';
import { generatorCpu } from './generator-cpu.ts';
import { type K6Ended, runK6 } from './k6.ts';
import { type Plan, STEPS } from './plan.ts';
import { preferSystem } from './priority.ts';
import { statusLine } from './progress.ts';
import type { Say } from './say.ts';
import { countSource } from './source-count.ts';
import { type Sample, watch } from './watch.ts';

export interface StageOptions {
  readonly rig: Rig;
  readonly plan: Plan;
  readonly k6: string;
  /** What is broken on purpose, if anything is. */
  readonly broken: Broken | undefined;
  /** Of a core, that all services together may use; undefined: all that there is. */
  readonly serviceCores: number | undefined;
  readonly say: Say;
  readonly signal: AbortSignal;
}

export interface LoadOptions {
  /** Of loadtest/, without its ending. */
  readonly script: string;
  /** Besides {@link envOf}. */
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds of the whole load, for progress and patience; the plan's unless told. */
  readonly seconds?: number;
  /** What changes meanwhile. */
  readonly schedule?: (fromMs: number) => Schedule;
  /** Called once the load runs. @param second of the load */
  readonly onSample?: (sample: Sample, second: number) => void;
}

export interface Loaded {
  readonly ended: K6Ended;
  /** From a second before the load on. */
  readonly samples: readonly Sample[];
  /** When the first question was asked. */
  readonly fromMs: number;
  readonly generatorShares: ReadonlyMap<number, number>;
  readonly generatorCores: number;
  readonly changed: Changed | undefined;
  readonly schedule: Schedule | undefined;
}

/** The script compiles, and makes its virtual users, before anybody is asked. */
const BEGIN_MS = 12_000;
/** A run that takes so much longer than its load hangs. */
const PATIENCE_S = 90;
/** First openings a second. */
const WARM_UP = { seconds: 20, perS: 300 };
/** Lines of what the script says went wrong. */
const SAID_MAX = 10;
const CORES = availableParallelism();
/** Photos are few, and the first to be refused in a bad second: so many times the share of questions may be. */
const PHOTOS_TIMES = 10;
/** Of all answers: when a tenth of a city changes at once, answers are behind for a moment, and say so. */
const STALE_SHARE = 0.01;
/** A commit takes longer while ten million people lie in the source. */
const CHANGES_LATE_MS = 500;

export class Stage {
  readonly rig: Rig;
  readonly plan: Plan;
  readonly say: Say;
  readonly signal: AbortSignal;
  readonly broken: Broken | undefined;
  readonly serviceCores: number | undefined;
  readonly #k6: string;
  #isPreferred = true;

  constructor({ rig, plan, k6, broken, serviceCores, say, signal }: StageOptions) {
    this.rig = rig;
    this.plan = plan;
    this.broken = broken;
    this.serviceCores = serviceCores;
    this.say = say;
    this.signal = signal;
    this.#k6 = k6;
  }

  /** All that runs of the system: at the beginning of a load, and when something of it has begun anew. */
  prefer(): void {
    this.#isPreferred &&= preferSystem(this.rig);
  }

  /** Whether the system had the CPU before the generator, in all loads. */
  get isPreferred(): boolean {
    return this.#isPreferred;
  }

  /** A while of ordinary load, of which nothing is told: a process that has just started compiles as it goes. */
  async warmUp(): Promise<void> {
    const { seconds, perS } = WARM_UP;
    await this.load({
      script: 'smoke',
      env: { RATE: String(perS), SECONDS: String(seconds) },
      seconds,
    });
  }

  async load(options: LoadOptions): Promise<Loaded> {
    const { script, env = {}, seconds = this.plan.secondsOfLoad, schedule: scheduled } = options;
    const { rig, plan, say, signal } = this;
    this.prefer();
    const generator = await generatorCpu(CORES);
    const counter = await countSource(rig.postgres.url);
    let begunMs: number | undefined;
    const watching = watch(rig, counter, (sample) => {
      if (begunMs !== undefined) options.onSample?.(sample, (sample.atMs - begunMs) / 1_000);
    });
    const fromMs = Date.now() + BEGIN_MS + upSeconds(plan.seconds) * 1_000;
    const schedule = scheduled?.(fromMs);
    const stopping = new AbortController();
    const changing =
      schedule &&
      makeChanges({
        ...{ url: rig.postgres.url, schedule },
        signal: AbortSignal.any([signal, stopping.signal]),
      });
    changing?.catch(() => {});
    try {
      const ended = await runK6({
        ...{ k6: this.#k6, script, generator, signal },
        env: {
          ...envOf(rig, plan),
          ...(schedule && changesEnv(fromMs, schedule)),
          ...env,
        },
        secondsMax: seconds + PATIENCE_S,
        onSecond(figures) {
          const [first] = figures.bySecond.keys();
          begunMs ??= first === undefined ? undefined : first * 1_000;
          const line = statusLine(figures, watching.samples, begunMs, seconds);
          if (line) say(line);
        },
      });
      stopping.abort();
      const changed = await changing;
      // The next load finds the people of the formula.
      if (schedule) await undoChanges(rig.postgres.url, schedule, photoIdAt);
      for (const line of ended.seconds.said.slice(0, SAID_MAX)) say(`the script: ${line}`);
      const from = Math.min(...ended.seconds.bySecond.keys()) * 1_000;
      return {
        ended,
        samples: watching.samples.filter(({ atMs }) => atMs >= from - 1_000),
        fromMs: from,
        generatorShares: generator.shares,
        generatorCores: CORES,
        changed,
        schedule,
      };
    } finally {
      stopping.abort();
      await watching.stop();
      await counter.stop();
      await generator.stop();
    }
  }
}

/** What lib/settings.ts reads. */
function envOf(rig: Rig, plan: Plan): Record<string, string> {
  const { people, seed, rate, seconds, allPeople, limits, peopleAsked } = plan;
  const refused = Math.floor(peopleAsked * limits.refusedShare);
  return {
    HTTP_URLS: rig.services.map(({ ports }) => `http://127.0.0.1:${ports.http}`).join(','),
    GRPC_ADDRS: rig.services.map(({ ports }) => `127.0.0.1:${ports.grpc}`).join(','),
    TOKEN_KEYS: rig.keys.tokenKeysFile,
    PEOPLE: String(people),
    SEED: String(seed),
    RATE: String(rate),
    SECONDS: String(seconds),
    HTTP_LATE_MS: String(limits.httpLateMs),
    GRPC_LATE_MS: String(limits.grpcLateMs),
    GENERATOR_LATE_SHARE: String(limits.generatorLateShare),
    REFUSED_MAX: String(refused),
    PHOTOS_REFUSED_MAX: String(Math.ceil((refused * PHOTOS_TIMES) / PHOTO_BYTES_EVERY)),
    STALE_MAX: String(Math.floor(peopleAsked * questionsOf(sharesOf(plan.gates)) * STALE_SHARE)),
    BUSY_MS: String(limits.busyMs),
    BUNCH: String(limits.bunch),
    GATES: String(plan.gates),
    STEPS: String(STEPS),
    ...(allPeople && { ALL_PEOPLE: '1' }),
  };
}

const changesEnv = (fromMs: number, { perS, lateMs }: Schedule) => ({
  CHANGES_FROM_MS: String(fromMs),
  CHANGES_PER_S: String(perS),
  CHANGES_LATE_MS: String(lateMs),
});

/** For lib/schedules.ts. */
export const scheduleWords = ({ people, seed, seconds }: Plan, fromMs: number, perS: number) => ({
  ...{ people, seed, seconds },
  changes: { fromMs, perS, lateMs: CHANGES_LATE_MS },
});
