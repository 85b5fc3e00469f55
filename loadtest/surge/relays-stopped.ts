// Nobody carries changes for a while: every process knows that it may be behind, says so with each answer, and answers
// all the same, at about the same cost. The services have a share of a core, and are asked four fifths of what they can
// answer on it: were they dearer while they are suspect, they could not go on.

import type { Budget, Figure } from '../report/result.ts';
import { atMost, budget } from './budgets.ts';
import { sumOf } from './columns.ts';
import { quota } from './quota.ts';
import { type Outcome, outcomeOf } from './scenarios.ts';
import { capacityOf, QUESTIONS_A_PERSON, restartLimited, SERVICE_CORES } from './share-of-core.ts';
import type { Loaded, Stage } from './stage.ts';
import type { Sample } from './watch.ts';

/** Seconds of the load at which both relays are stopped, and begin again. */
const [STOPPED_S, BACK_S] = [25, 50];
/** Until connections are made, and until answers are as old as they may be. */
const [SETTLED_S, STALE_AFTER_S] = [10, 3];
const LOAD_SHARE = 0.8;
const SECONDS = 75;
const CPU_TIMES_MOST = 1.3;
const FRESH_WITHIN_S = 2;

export async function relaysStopped(stage: Stage): Promise<Outcome> {
  const cores = stage.serviceCores ?? SERVICE_CORES;
  const limit = quota(cores, stage.rig.services.length);
  try {
    stage.say(`the services share ${cores} of a core from here on; what can they answer?`);
    await restartLimited(stage, limit.add);
    const { perS: capacity } = await capacityOf(stage, cores);
    const perS = Math.round(capacity * LOAD_SHARE);
    stage.say(`${capacity}/s; so ${perS}/s are asked`);
    const outcome = await stopped(stage, perS);
    const figure: Figure = {
      name: 'capacity on this share of a core',
      value: capacity,
      unit: '/s',
    };
    return { ...outcome, figures: [figure, ...outcome.figures] };
  } finally {
    limit.end();
  }
}

async function stopped(stage: Stage, perS: number): Promise<Outcome> {
  const { relays } = stage.rig;
  const all = (work: (relay: (typeof relays)[number]) => Promise<unknown>) =>
    Promise.all(relays.map(work));
  let [stopping, starting]: (Promise<unknown> | undefined)[] = [];
  let [stoppedMs, backMs] = [0, 0];
  const loaded = await stage.load({
    script: 'soak',
    env: {
      RATE: String(perS / QUESTIONS_A_PERSON),
      SECONDS: String(SECONDS),
      REOPEN_SECONDS: '30',
    },
    seconds: SECONDS,
    onSample({ atMs }, second) {
      if (second >= STOPPED_S && !stopping) {
        stage.say('both relays are stopped');
        stoppedMs = atMs;
        stopping = all((relay) => relay.kill9());
      }
      if (second >= BACK_S && stopping && !starting) {
        stage.say('both relays begin again');
        starting = stopping
          .then(() => all((relay) => relay.start()))
          .then(() => {
            stage.prefer();
            backMs = Date.now();
          });
      }
    },
  });
  await starting;
  if (backMs === 0) throw new Error('the load ended before the relays began again');
  const outcome = outcomeOf(stage, loaded);
  const { budgets, figures } = verdict(loaded, stoppedMs, backMs);
  const at = (ms: number) => (ms - loaded.fromMs) / 1_000;
  return {
    ...outcome,
    // They are to say so, for half a minute.
    budgets: [...outcome.budgets.filter(({ name }) => name !== 'stale_marked'), ...budgets],
    figures: [...figures, ...outcome.figures],
    phases: [{ name: 'no relay', fromS: at(stoppedMs), toS: at(backMs) }],
  };
}

function verdict({ samples, fromMs }: Loaded, stoppedMs: number, backMs: number) {
  const between = (from: number, to: number) =>
    samples.filter(({ atMs }) => atMs >= from && atMs <= to);
  const before = cpuUs(between(fromMs + SETTLED_S * 1_000, stoppedMs));
  const without = cpuUs(between(stoppedMs + STALE_AFTER_S * 1_000, backMs));
  const suspects = between(stoppedMs + STALE_AFTER_S * 1_000, backMs);
  const isSuspect = ({ services }: Sample) =>
    services.every((metrics) => (metrics?.get('lookup_feed_age_seconds') ?? 0) > FRESH_WITHIN_S);
  const fresh = between(backMs, Number.POSITIVE_INFINITY).find((sample) =>
    sample.services.every(
      (metrics) => (metrics?.get('lookup_feed_age_seconds') ?? Number.NaN) <= FRESH_WITHIN_S,
    ),
  );
  const freshS = fresh ? Math.max(0, (fresh.atMs - backMs) / 1_000) : Number.POSITIVE_INFINITY;
  const known = suspects.filter(isSuspect).length;
  const budgets: Budget[] = [
    budget(
      'suspect',
      'every process, every second',
      `${known} of ${suspects.length} seconds`,
      suspects.length > 0 && known === suspects.length,
    ),
    atMost('suspect_cpu', CPU_TIMES_MOST, without / before, ' times'),
    // One look a second: it may have been so for most of one.
    atMost('fresh_again', FRESH_WITHIN_S + 1, freshS, ' s'),
  ];
  const figures: Figure[] = [
    { name: 'CPU for a question, as it is', value: before, unit: 'µs', better: 'less' },
    { name: 'CPU for a question, with no relay', value: without, unit: 'µs', better: 'less' },
    { name: 'fresh again, after', value: freshS, unit: 's', better: 'less' },
  ];
  return { budgets, figures };
}

/** Of all services, for each answer that had a color. */
function cpuUs(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return Number.NaN;
  const found = (sample: Sample) => sumOf(sample, /^lookup_found_total/) ?? Number.NaN;
  return ((last.cpuS.services - first.cpuS.services) * 1e6) / (found(last) - found(first));
}
