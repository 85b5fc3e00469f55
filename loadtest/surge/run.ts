// A whole run: brings up the system, loads its people, runs the scenario, and ends all that it started.

import { setTimeout as pause } from 'node:timers/promises';
import { MEMORY_RECORDS } from '../capacity/measured.ts';
import type { Result } from '../report/result.ts';
import { startRig } from '../rig/rig.ts';
import { type Broken, breakOnPurpose } from './broken.ts';
import { budget } from './budgets.ts';
import { type CityTimes, loadCity } from './city.ts';
import { fleetEnv } from './fleet.ts';
import { commitOf, machineOf } from './machine.ts';
import { overload } from './overload.ts';
import type { Plan } from './plan.ts';
import { relaysStopped } from './relays-stopped.ts';
import { restart } from './restart.ts';
import type { Say } from './say.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { soak } from './soak.ts';
import { SOURCE_SETTINGS } from './source-count.ts';
import { Stage } from './stage.ts';

export interface RunOptions {
  readonly plan: Plan;
  readonly k6: { readonly path: string; readonly version: string };
  /** Something is broken on purpose, to see its budget fail. */
  readonly broken: Broken | undefined;
  /** Of a core, that all services together may use; undefined: all that there is. */
  readonly serviceCores: number | undefined;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** Names of settings. */
export const BROKEN_ON_PURPOSE = 'broken on purpose';
export const SERVICE_CORES_SETTING = 'service_cores';

export const ALL_SCENARIOS: Readonly<Record<Plan['scenario'], Scenario>> = {
  ...SCENARIOS,
  overload: {
    question: 'Does it go on answering while ten times as many ask as it can answer?',
    run: overload,
  },
  'relays-stopped': {
    question:
      'Does it go on answering, and say that it may be behind, while nobody carries changes?',
    run: relaysStopped,
  },
  soak: { question: 'Does it stay as it is?', run: soak },
};

/** Room for the import of ten million, and for what is read while it is warmed. */
const POSTGRES = {
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  maintenance_work_mem: '256MB',
};

export async function runSurge(options: RunOptions): Promise<Result> {
  const { plan, k6, broken, serviceCores, say, signal } = options;
  const startedAt = new Date().toISOString();
  const scenario = ALL_SCENARIOS[plan.scenario];
  say(`bringing up PostgreSQL, Redis, ${plan.relays} relays and ${plan.services} services`);
  const lastLines: string[] = [];
  const warned: string[] = [];
  const rig = await startRig({
    ...{ services: plan.services, relays: plan.relays },
    redis: { masters: plan.masters, replicas: plan.replicas },
    postgres: { settings: { ...POSTGRES, ...SOURCE_SETTINGS } },
    env: {
      ...fleetEnv(plan.services, plan.memoryRecordsMax),
      ...plan.env,
      ...broken?.env,
    },
    onLine: (name, line) => {
      const named = `${name} ${line}`;
      keepLast(lastLines, named);
      if (warned.length >= LINES_MAX || !WARNING.test(line)) return;
      warned.push(named);
      say(named);
    },
  });
  try {
    signal.throwIfAborted();
    const times = await loadCity(rig, plan, say, signal);
    signal.throwIfAborted();
    say('the services begin again, in a city that is warm');
    await restart(rig);
    const heal = broken && (await breakOnPurpose(broken, rig, plan));
    const stage = new Stage({ rig, plan, k6: k6.path, broken, serviceCores, say, signal });
    const outcome = await scenario.run(stage).finally(() => heal?.());
    // Who has just died is told of a little later.
    await pause(DYING_MS);
    const left = [...rig.services, ...rig.relays].filter((one) => one.died || !one.runs());
    const last = left.length === 0 ? [] : lastLines.slice(-LINES_SAID);
    for (const line of last) say(line);
    const budgets = [
      ...outcome.budgets,
      budget(
        'processes',
        'all run until the end',
        left.length === 0 ? 'all do' : `ended: ${left.map(({ name }) => name).join(', ')}`,
        left.length === 0,
      ),
    ];
    return {
      format: 1,
      ...{ scenario: plan.scenario, question: scenario.question, scale: plan.scale, startedAt },
      seconds: outcome.seconds,
      ...commitOf(),
      machine: machineOf(k6.version),
      settings: { ...settingsOf(options), [PREFERRED]: stage.isPreferred ? 'yes' : 'no' },
      ok: budgets.every(({ ok }) => ok),
      budgets,
      figures: [...outcome.figures, ...figuresOfCity(times, plan)],
      plots: outcome.plots,
      phases: outcome.phases ?? [],
      said: [...outcome.said, ...warned, ...last],
    };
  } catch (error) {
    if (!signal.aborted) for (const line of lastLines.slice(-LINES_SAID)) say(line);
    throw error;
  } finally {
    say('ending all that was started');
    await rig.stop();
  }
}

const PREFERRED = 'the system has the CPU before the generator';
const DYING_MS = 1_000;
const LINES_MAX = 200;
const WARNING = /^{"level":"(warn|error)"/;
const LINES_SAID = 20;

function keepLast(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > LINES_MAX) lines.shift();
}

function settingsOf({ plan, broken, serviceCores }: RunOptions): Result['settings'] {
  const { people, rate, seconds, services, relays, masters, replicas, memoryRecordsMax } = plan;
  return {
    people,
    // Others ask by what the services can answer, and tell it among their figures.
    ...(!plan.findsRate && {
      'first openings a second, at the peak': rate,
      'seconds of the peak': Math.round(seconds),
    }),
    services,
    relays,
    'Redis masters': masters,
    'Redis replicas': replicas,
    [MEMORY_RECORDS]: memoryRecordsMax,
    ...(serviceCores !== undefined && { [SERVICE_CORES_SETTING]: serviceCores }),
    ...(broken && { [BROKEN_ON_PURPOSE]: broken.name }),
  };
}

const figuresOfCity = (
  { importS, warmS, redisBytes }: CityTimes,
  { people }: Plan,
): Result['figures'] => [
  { name: 'people imported', value: people / importS, unit: '/s', better: 'more' },
  { name: 'people warmed into Redis', value: people / warmS, unit: '/s', better: 'more' },
  { name: 'import and warm', value: importS + warmS, unit: 's', better: 'less' },
  { name: 'Redis, for each person', value: redisBytes, unit: 'B', better: 'less' },
];
