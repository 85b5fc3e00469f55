// Ten times as many ask as can be answered. The service is given less CPU than there is, because no generator on two
// cores could overload it otherwise: first its capacity is found on that share, with admission and without; then
// ordinary load goes on while a flood of phones that refresh comes on top, for a minute, and goes. A short flood comes
// before it, and is told but not judged: who has never refused anybody compiles what does it, and on a fifth of a core
// that takes seconds.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { dropFolder, heldFolder, type Kept, keep } from '../../test/keeper.ts';
import { subjectAt } from '../lib/population.ts';
import type { Figure } from '../report/result.ts';
import { byLine } from '../rig/lines.ts';
import { ROOT } from '../rig/root.ts';
import { NO_ADMISSION } from './broken.ts';
import { type FloodOptions, type FloodSecond, REFUSED_MS } from './flood.ts';
import {
  AFTER_S,
  type Capacities,
  floodPlots,
  overloaded,
  refusedInTimePercent,
} from './overloaded.ts';
import { quota } from './quota.ts';
import { type Outcome, outcomeOf, STILL_HOLDS } from './scenarios.ts';
import { capacityOf, QUESTIONS_A_PERSON, restartLimited, SERVICE_CORES } from './share-of-core.ts';
import type { Loaded, Stage } from './stage.ts';

const TIMES = 10;
const ORDINARY_SHARE = 0.5;
/** Of the flood: it has connections enough to ask all that it wants if answers take so long in the mean. */
const ANSWERED_MS = 25;
/**
 * And no fewer, to each core that the services have: to answer all of them takes longer than a phone waits, though what
 * the services can answer late is several times their capacity. A proxy would bound them, too.
 */
const CONNECTIONS_A_CORE = 1_250;
/** So many that each asks about once a second at most, and that neither tokens nor people are remembered until then. */
const FLOODING_PEOPLE = 30_000;
const [FIRST_S, BEFORE_S, FLOOD_S] = [10, 30, 60];

export async function overload(stage: Stage): Promise<Outcome> {
  const { rig, say } = stage;
  const cores = coresOf(stage);
  const limit = quota(cores, rig.services.length);
  const limited = (env?: Readonly<Record<string, string>>) => restartLimited(stage, limit.add, env);
  try {
    say(`the services share ${cores} of a core from here on; what can they answer?`);
    await limited();
    const guarded = await capacityOf(stage, cores);
    say(`${guarded.perS}/s; and with nobody refused at the door?`);
    await limited(NO_ADMISSION);
    const free = await capacityOf(stage, cores);
    const capacities = {
      ...{ capacity: guarded.perS, unguarded: free.perS },
      areFound: guarded.isFound && free.isFound,
    };
    say(`${free.perS}/s; now the flood, ${floodPerS(capacities)}/s, over ordinary load`);
    await limited(stage.broken?.env);
    return await flooded(stage, capacities);
  } finally {
    limit.end();
    await Promise.all(rig.services.map((one) => one.stop()));
    await Promise.all(rig.services.map((one) => one.start()));
  }
}

const coresOf = ({ serviceCores }: Stage) => serviceCores ?? SERVICE_CORES;
const floodPerS = ({ capacity, unguarded }: Capacities) => Math.max(capacity, unguarded) * TIMES;
const connectionsOf = (stage: Stage, capacities: Capacities) =>
  Math.ceil(
    Math.max((floodPerS(capacities) * ANSWERED_MS) / 1_000, coresOf(stage) * CONNECTIONS_A_CORE),
  );

async function flooded(stage: Stage, capacities: Capacities): Promise<Outcome> {
  const dir = heldFolder();
  const [first, flood]: [FloodSecond[], FloodSecond[]] = [[], []];
  try {
    const tokensFile = join(dir, 'tokens');
    writeFileSync(tokensFile, tokensOf(stage));
    const begin = async (seconds: number, into: FloodSecond[]) => {
      const [perS, connections] = [floodPerS(capacities), connectionsOf(stage, capacities)];
      const options = { tokensFile, perS, connections, seconds };
      const { ended } = await startFlood(stage, options, (second) => into.push(second));
      await ended;
    };
    let beginning: Promise<void> | undefined;
    const perS = (capacities.capacity * ORDINARY_SHARE) / QUESTIONS_A_PERSON;
    const seconds = BEFORE_S + FIRST_S + BEFORE_S + FLOOD_S + AFTER_S;
    const loaded = await stage.load({
      script: 'soak',
      env: { RATE: String(perS), SECONDS: String(seconds), REOPEN_SECONDS: '60' },
      seconds,
      onSample(_, second) {
        if (second >= BEFORE_S)
          beginning ??= begin(FIRST_S, first)
            .then(() => setTimeout(BEFORE_S * 1_000))
            .then(() => begin(FLOOD_S, flood));
      },
    });
    await beginning;
    return outcome(stage, loaded, { first, flood }, capacities);
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
  options: Omit<FloodOptions, 'urls'>,
  onSecond: (second: FloodSecond) => void,
): Promise<Kept> {
  const urls = rig.services.map(({ ports }) => `http://127.0.0.1:${ports.http}`);
  const words: FloodOptions = { ...options, urls };
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

function outcome(
  stage: Stage,
  loaded: Loaded,
  {
    first,
    flood,
  }: { readonly first: readonly FloodSecond[]; readonly flood: readonly FloodSecond[] },
  capacities: Capacities,
): Outcome {
  const ordinary = outcomeOf(stage, loaded);
  const { budgets, figures, phases } = overloaded(loaded, flood, capacities);
  const sizes: Figure[] = [
    { name: 'connections of the flood', value: connectionsOf(stage, capacities), unit: '' },
    { name: 'people who flood', value: Math.min(FLOODING_PEOPLE, stage.plan.people), unit: '' },
    {
      ...{ name: `refusals within ${REFUSED_MS} ms, of the first flood`, unit: '%' },
      value: refusedInTimePercent(first),
    },
  ];
  return {
    ...ordinary,
    budgets: [...ordinary.budgets.filter(({ name }) => STILL_HOLDS.test(name)), ...budgets],
    figures: [...figures, ...sizes, ...ordinary.figures],
    plots: [...floodPlots([...first, ...flood], loaded.fromMs), ...ordinary.plots],
    phases,
  };
}
