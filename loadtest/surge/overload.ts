// Ten times as many ask as can be answered. The service is given less CPU than there is, because no generator on two
// cores could overload it otherwise: first its capacity is found on that share, with admission and without; then
// ordinary load goes on while a flood of phones that refresh comes on top, for a minute, and goes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dropFolder, heldFolder, type Kept, keep } from '../../test/keeper.ts';
import { subjectAt } from '../lib/population.ts';
import type { Budget, Figure, Phase } from '../report/result.ts';
import { byLine } from '../rig/lines.ts';
import { ROOT } from '../rig/root.ts';
import { NO_ADMISSION } from './broken.ts';
import { atLeast, atMost } from './budgets.ts';
import { sumOf } from './columns.ts';
import { type FloodOptions, type FloodSecond, LATE_MS } from './flood.ts';
import { mean } from './mean.ts';
import { quota } from './quota.ts';
import { type Outcome, outcomeOf, STILL_HOLDS } from './scenarios.ts';
import { inTime, quantile, type Second } from './seconds.ts';
import { capacityOf, QUESTIONS_A_PERSON, restartLimited, SERVICE_CORES } from './share-of-core.ts';
import type { Loaded, Stage } from './stage.ts';

const TIMES = 10;
const ORDINARY_SHARE = 0.5;
/**
 * Of the flood, as from a proxy, to each core that the services have: few enough that refusing all of them would take
 * less than 50 ms, and so many that answering all of them takes longer than a phone waits.
 */
const CONNECTIONS_A_CORE = 1_250;
/** So many that each asks about once a second at most, and that neither tokens nor people are remembered until then. */
const FLOODING_PEOPLE = 30_000;
const [BEFORE_S, FLOOD_S, AFTER_S] = [30, 60, 40];

/** Of memory: those who flooded have their tokens and records in bounded caches, which stay as full as they are. */
const WANTED = { goodput: 0.9, admission: 0.8, refusalMs: 50, recoveryS: 10, memoryShare: 1.3 };

export async function overload(stage: Stage): Promise<Outcome> {
  const { rig, say } = stage;
  const cores = coresOf(stage);
  const limit = quota(cores);
  const limited = (env?: Readonly<Record<string, string>>) => restartLimited(stage, limit.add, env);
  try {
    say(`the services share ${cores} of a core from here on; what can they answer?`);
    await limited();
    const capacity = await capacityOf(stage, cores);
    say(`${capacity}/s; and with nobody refused at the door?`);
    await limited(NO_ADMISSION);
    const unguarded = await capacityOf(stage, cores);
    const most = Math.max(capacity, unguarded);
    say(`${unguarded}/s; now the flood, ${TIMES} times ${most}/s, over ordinary load`);
    await limited(stage.broken?.env);
    return await flooded(stage, capacity, unguarded);
  } finally {
    limit.end();
    await Promise.all(rig.services.map((one) => one.stop()));
    await Promise.all(rig.services.map((one) => one.start()));
  }
}

const coresOf = ({ serviceCores }: Stage) => serviceCores ?? SERVICE_CORES;
const connectionsOf = (stage: Stage) => Math.round(coresOf(stage) * CONNECTIONS_A_CORE);

async function flooded(stage: Stage, capacity: number, unguarded: number): Promise<Outcome> {
  const dir = heldFolder();
  const flood: FloodSecond[] = [];
  let kept: Kept | undefined;
  try {
    const tokensFile = join(dir, 'tokens');
    writeFileSync(tokensFile, tokensOf(stage));
    const begin = async () => {
      kept = await startFlood(
        stage,
        {
          tokensFile,
          perS: Math.max(capacity, unguarded) * TIMES,
          connections: connectionsOf(stage),
        },
        (second) => flood.push(second),
      );
    };
    let beginning: Promise<void> | undefined;
    const perS = (capacity * ORDINARY_SHARE) / QUESTIONS_A_PERSON;
    const seconds = BEFORE_S + FLOOD_S + AFTER_S;
    const loaded = await stage.load({
      script: 'soak',
      env: { RATE: String(perS), SECONDS: String(seconds), REOPEN_SECONDS: '60' },
      seconds,
      onSample(_, second) {
        if (second >= BEFORE_S) beginning ??= begin();
      },
    });
    await beginning;
    await kept?.ended;
    return verdict(stage, loaded, flood, { capacity, unguarded });
  } finally {
    await dropFolder(dir);
  }
}

/** Of people at the end of the order: the script does not come to them. */
function tokensOf({ rig, plan }: Stage): string {
  const count = Math.min(FLOODING_PEOPLE, plan.people);
  const of = (i: number) => rig.keys.token(subjectAt(plan.people - 1 - i, plan.seed));
  return Array.from({ length: count }, (_, i) => of(i)).join('\n');
}

function startFlood(
  { rig }: Stage,
  options: Pick<FloodOptions, 'tokensFile' | 'perS' | 'connections'>,
  onSecond: (second: FloodSecond) => void,
): Promise<Kept> {
  const urls = rig.services.map(({ ports }) => `http://127.0.0.1:${ports.http}`);
  const words: FloodOptions = { ...options, urls, seconds: FLOOD_S };
  const lines = byLine((line) => onSecond(JSON.parse(line) as FloodSecond));
  return keep({
    command: process.execPath,
    args: [join(ROOT, 'dist/rig/loadtest/surge/flood.js'), JSON.stringify(words)],
    cwd: ROOT,
    onOutput: (stream, text) => {
      if (stream === 'stdout') lines(text);
    },
  });
}

interface Capacities {
  readonly capacity: number;
  readonly unguarded: number;
}

function verdict(
  stage: Stage,
  loaded: Loaded,
  flood: readonly FloodSecond[],
  { capacity, unguarded }: Capacities,
): Outcome {
  const [first, last] = [flood[0]?.at ?? 0, flood.at(-1)?.at ?? 0];
  const from = loaded.fromMs / 1_000;
  // The first and the last second are not whole.
  const whole = flood.slice(1, -1);
  const during = [...loaded.ended.seconds.bySecond].filter(([at]) => at > first && at < last);
  const goodput =
    mean(whole.map(({ inTime }) => inTime)) + mean(during.map(([, row]) => ordinaryInTime(row)));
  const asked =
    mean(whole.map((one) => one.answered + one.refused + one.other)) +
    mean(during.map(([, row]) => row.asked));
  const refused = whole.reduce((sum, one) => sum + one.refused, 0);
  const refusalMs = Math.max(0, ...whole.map((one) => one.refusalP99Ms));
  const recovery = recoveryS(loaded, last);
  const [before, after] = [memoryAt(loaded, first), memoryAt(loaded, last + AFTER_S - 5)];
  const outcome = outcomeOf(stage, loaded);
  const budgets: Budget[] = [
    ...outcome.budgets.filter(({ name }) => STILL_HOLDS.test(name)),
    atLeast('admission_cost', Math.round(unguarded * WANTED.admission), capacity, '/s'),
    atLeast('refusals', 1, refused),
    atLeast('goodput', Math.round(capacity * WANTED.goodput), goodput, '/s'),
    atMost('refusal_ms', WANTED.refusalMs, refusalMs, ' ms'),
    atMost('recovery_s', WANTED.recoveryS, recovery, ' s'),
    atMost('memory_after', Math.round(before * WANTED.memoryShare), after, ' MB'),
  ];
  const figures: Figure[] = [
    { name: 'capacity on this share of a core', value: capacity, unit: '/s', better: 'more' },
    { name: 'the same with admission off', value: unguarded, unit: '/s' },
    { name: 'asked during the overload', value: asked, unit: '/s' },
    { name: 'times its capacity', value: asked / Math.max(1, capacity), unit: '' },
    { name: 'answered in time during the overload', value: goodput, unit: '/s', better: 'more' },
    { name: 'refused of the flood', value: refused, unit: '' },
    { name: 'refusals, slowest p99 of a second', value: refusalMs, unit: 'ms', better: 'less' },
    { name: 'as before, after', value: recovery, unit: 's', better: 'less' },
    { name: 'connections of the flood', value: connectionsOf(stage), unit: '' },
    { name: 'people who flood', value: Math.min(FLOODING_PEOPLE, stage.plan.people), unit: '' },
  ];
  const phases: Phase[] = [{ name: 'flood', fromS: first - from, toS: last - from }];
  return { ...outcome, budgets, figures: [...figures, ...outcome.figures], phases };
}

const ordinaryInTime = ({ took }: Second) =>
  Object.values(took).reduce((sum, door) => sum + inTime(door, LATE_MS), 0);

/** So many seconds in a row are as they should be: it has recovered, and what comes later has another cause. */
const STEADY_S = 5;

/** Seconds after the flood until nobody is refused, and phones are answered in time; endless if that never lasts. */
function recoveryS({ ended: { seconds } }: Loaded, floodEnds: number): number {
  const after = [...seconds.bySecond].filter(([at]) => at > floodEnds).sort(([a], [b]) => a - b);
  let good = 0;
  for (const [at, row] of after) {
    const p99 = quantile(row.took.http, 0.99) ?? 0;
    good = row.shed + row.failed > 0 || p99 > LATE_MS ? 0 : good + 1;
    if (good === STEADY_S) return at - floodEnds - STEADY_S;
  }
  return Number.POSITIVE_INFINITY;
}

/** Of all services, in MB. */
function memoryAt({ samples }: Loaded, second: number): number {
  const sample = samples.find(({ atMs }) => atMs >= second * 1_000) ?? samples.at(-1);
  return sample ? (sumOf(sample, /^lookup_resident_bytes/) ?? 0) / 1e6 : 0;
}
