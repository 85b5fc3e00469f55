// The scenarios: what each asks, and what the runner does and judges besides running its script.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { costsOf } from '../capacity/costs.ts';
import { IDLE_CORES, NEAR, QUESTION_US } from '../capacity/measured.ts';
import { PHOTO_SHARE, predictBreakpoint, predictHere, warmLayers } from '../capacity/predict.ts';
import { oneHot, recoloring } from '../lib/schedules.ts';
import { SHARES } from '../lib/shares.ts';
import type { Budget, Figure, Phase, Plot } from '../report/result.ts';
import { ROOT } from '../rig/root.ts';
import { atMost, budget, within } from './budgets.ts';
import { sumOf } from './columns.ts';
import { askedOfSource, commonBudgets, figuresOf } from './figures.ts';
import type { Plan, ScenarioName } from './plan.ts';
import { plotsOf } from './plots.ts';
import { quota } from './quota.ts';
import { type Loaded, type Stage, scheduleWords } from './stage.ts';
import { costsHere, stepsOf } from './stair-steps.ts';

export interface Outcome {
  readonly budgets: readonly Budget[];
  readonly figures: readonly Figure[];
  readonly plots: readonly Plot[];
  readonly phases?: readonly Phase[];
  /** By the script, of what went wrong: the first lines. */
  readonly said: readonly string[];
  /** Of the load. */
  readonly seconds: number;
}

export interface Scenario {
  /** What it asks, in a line. */
  readonly question: string;
  readonly run: (stage: Stage) => Promise<Outcome>;
}

export const outcomeOf = ({ plan }: Stage, loaded: Loaded): Outcome => ({
  budgets: commonBudgets(loaded),
  figures: figuresOf(loaded),
  plots: plotsOf({
    ...{ fromMs: loaded.fromMs, seconds: loaded.ended.seconds, samples: loaded.samples },
    ...{ generatorShares: loaded.generatorShares, generatorCores: loaded.generatorCores },
    limits: plan.limits,
  }),
  seconds: loaded.ended.summary.testRunDurationMs / 1_000,
  said: loaded.ended.seconds.said,
});

const simply = (script: string) => async (stage: Stage) =>
  outcomeOf(stage, await stage.load({ script }));

export const SCENARIOS: Readonly<
  Record<Exclude<ScenarioName, 'overload' | 'relays-stopped' | 'soak'>, Scenario>
> = {
  smoke: { question: 'Do the parts fit together?', run: simply('smoke') },
  'morning-surge': {
    question: 'Does everyone get the right answer in time, in a city that is warm?',
    run: simply('morning-surge'),
  },
  'cold-morning': {
    question: 'Is the morning survived by a city that knows nothing yet?',
    run: coldMorning,
  },
  'recolor-at-peak': {
    question: 'Is everyone told the truth while it changes?',
    run: async (stage) =>
      outcomeOf(
        stage,
        await stage.load({
          script: 'recolor-at-peak',
          schedule: (fromMs) => recoloring(scheduleWords(stage.plan, fromMs, CHANGES_PER_S)),
        }),
      ),
  },
  'hot-key': {
    question: 'Does one person whom all ask about cost the others anything?',
    run: hotKey,
  },
  breakpoint: { question: 'What is the highest rate within budget?', run: breakpoint },
};

/** Single people, during the peak. */
const CHANGES_PER_S = 5;
const WARM_SHARE = 0.95;

/** Released at six: everything restarted, and Redis empty. */
async function coldMorning(stage: Stage): Promise<Outcome> {
  const { rig, say } = stage;
  say('six o’clock: Redis is emptied, every relay and service is restarted');
  await rig.redis.flushAll();
  await Promise.all([...rig.relays, ...rig.services].map((one) => one.kill9()));
  const begun = performance.now();
  await Promise.all([...rig.relays, ...rig.services].map((one) => one.start()));
  await Promise.all(rig.services.map((one) => one.ready(60_000)));
  const readyS = (performance.now() - begun) / 1_000;
  say(`all are ready after ${readyS.toFixed(1)} s`);
  const loaded = await stage.load({ script: 'cold-morning' });
  const outcome = outcomeOf(stage, loaded);
  const told = { unit: 's', better: 'less' } as const;
  return {
    ...outcome,
    figures: [
      ...outcome.figures,
      { name: 'every service ready, after it was started', value: readyS, ...told },
      {
        ...{ name: '95 in 100 answered by memory and Redis, after', ...told },
        value: warmAfterS(loaded),
      },
    ],
  };
}

/**
 * Seconds of the load after which memory and Redis answer so many of all, phones and gates, from then on; the whole
 * load if they never do. By the services' own counts: a phone is not told who answered.
 */
export function warmAfterS({ samples, fromMs }: Pick<Loaded, 'samples' | 'fromMs'>): number {
  let since = 0;
  samples.forEach((sample, i) => {
    const before = samples[i - 1];
    // Not a number where a process did not tell, and then it says nothing.
    const found = (layer: string) => {
      const name = new RegExp(`^lookup_found_total{.*layer="${layer}"`);
      const [now, then] = [sample, before].map((one) => one && sumOf(one, name));
      return (now ?? Number.NaN) - (then ?? Number.NaN);
    };
    const [memory, redis, source] = [found('memory'), found('redis'), found('source')];
    const all = memory + redis + source;
    if (all > 0 && memory + redis < all * WARM_SHARE) since = (sample.atMs - fromMs) / 1_000;
  });
  return since;
}

const OTHERS_MOST = 1.2;
/** Below this a percentile is the machine's noise. */
const NOISE_MS = 5;

/** Once with nobody hot, once with one person whom three in ten ask about; changing them goes on in both. */
async function hotKey(stage: Stage): Promise<Outcome> {
  const { say, plan } = stage;
  const load = (share: number) =>
    stage.load({
      script: 'hot-key',
      env: { HOT_SHARE: String(share) },
      schedule: (fromMs) => oneHot(scheduleWords(plan, fromMs, 0)),
    });
  say('first with nobody hot');
  const without = await load(0);
  say('and now three in ten ask about one person');
  const hot = await load(0.3);
  const outcome = outcomeOf(stage, hot);
  const p99 = (loaded: Loaded, door: string) =>
    loaded.ended.summary.metrics[door]?.values['p(99)'] ?? Number.NaN;
  const others = ['http_ms', 'grpc_ms', 'line_ms'].map((door) => {
    const most = Math.max(p99(without, door), NOISE_MS) * OTHERS_MOST;
    return atMost(`others_p99{${door}}`, Math.round(most * 10) / 10, p99(hot, door), ' ms');
  });
  const extra = Math.max(0, askedOfSource(hot.samples) - askedOfSource(without.samples));
  return {
    ...outcome,
    budgets: [
      ...commonBudgets(without).map((one) => ({ ...one, name: `${one.name} (nobody hot)` })),
      ...outcome.budgets,
      ...others,
      atMost('hot_source', 0, extra, ' people more asked of the source'),
    ],
    figures: [
      ...outcome.figures,
      ...['http_ms', 'grpc_ms'].map(
        (door): Figure => ({
          ...{ name: `with nobody hot, ${door === 'http_ms' ? 'phones' : 'gates'}, p99` },
          ...{ value: p99(without, door), unit: 'ms', better: 'less' },
        }),
      ),
    ],
  };
}

function predictedPerS({ services, memoryRecordsMax, people }: Plan, cores: number): number {
  const costs = costsOf(readFileSync(join(ROOT, 'loadtest/capacity/costs.json'), 'utf8'));
  const layers = warmLayers(memoryRecordsMax, people);
  return predictBreakpoint(
    costs,
    { processes: services, cores },
    { shares: SHARES, photo: PHOTO_SHARE, layers },
  );
}

/** What gives way at the top of the stairs is what it looks for: what must hold is that nobody is told a lie. */
export const STILL_HOLDS = /^(wrong|stale_unmarked|photos_wrong|source_|ended_in_time)/;

async function breakpoint(stage: Stage): Promise<Outcome> {
  const { rig, plan, serviceCores } = stage;
  await stage.warmUp();
  const limit = serviceCores === undefined ? undefined : quota(serviceCores, plan.services);
  for (const { pid } of rig.services) limit?.add(pid);
  const loaded = await stage.load({ script: 'breakpoint' });
  limit?.end();
  const outcome = outcomeOf(stage, loaded);
  const { heldPerS = 0, limitedBy = '' } = loaded.ended.summary;
  const steps = stepsOf(loaded, plan);
  for (const { step, askedPerS, latePercent, cores } of steps)
    stage.say(
      `step ${step}: ${Math.round(askedPerS)}/s, ${latePercent.toFixed(1)} % late, ${cores.toFixed(2)} cores`,
    );
  stage.say(`held ${heldPerS} questions a second; what gave way then: ${limitedBy}`);
  // A process uses one core at most.
  const cores = Math.min(serviceCores ?? plan.services, plan.services);
  const here = costsHere(steps, cores);
  const predicted = here ? Math.round(predictHere(here, cores)) : Number.NaN;
  const isFound = limitedBy === 'service';
  // Where the generator gave way, nobody knows what the services would have held.
  const near = isFound ? [within('capacity', NEAR, predicted, heldPerS, '/s')] : [];
  return {
    ...outcome,
    budgets: [
      ...outcome.budgets.filter(({ name }) => STILL_HOLDS.test(name)),
      budget('capacity_found', 'the services give way first', `limited by ${limitedBy}`, isFound),
      ...near,
    ],
    figures: [
      { name: 'predicted from costs.json', value: predictedPerS(plan, cores), unit: '/s' },
      ...(here
        ? [
            { name: 'predicted by capacity, from its low steps', value: predicted, unit: '/s' },
            { name: QUESTION_US, value: here.questionUs, unit: 'µs' },
            { name: IDLE_CORES, value: here.idleCores, unit: 'cores' },
          ]
        : []),
      { name: 'held_per_s', value: heldPerS, unit: '/s', better: 'more' },
      { name: `limited by the ${limitedBy}`, value: 1, unit: '' },
      ...outcome.figures,
    ],
  };
}
