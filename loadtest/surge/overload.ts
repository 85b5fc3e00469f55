// Ten times as many ask as can be answered. The service is given less CPU than there is, because no generator on two
// cores could overload it otherwise: first its capacity is found on that share, with admission and without; then
// ordinary load goes on while a flood of phones that refresh comes on top, for a minute, and goes. A short flood comes
// before it, and is told but not judged: who has never refused anybody compiles what does it, and on a fifth of a core
// that takes seconds.

import { dropFolder, heldFolder } from '../../test/keeper.ts';
import type { Figure } from '../report/result.ts';
import { NO_ADMISSION } from './broken.ts';
import { REFUSED_MS } from './flood.ts';
import { type Floods, floodingOf, floodingPeople } from './floods.ts';
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
  const folder = heldFolder();
  const flooding = floodingOf(
    stage,
    { perS: floodPerS(capacities), connections: connectionsOf(stage, capacities) },
    { firstS: FIRST_S, pauseS: BEFORE_S, judgedS: FLOOD_S },
    folder,
  );
  try {
    const perS = (capacities.capacity * ORDINARY_SHARE) / QUESTIONS_A_PERSON;
    const seconds = BEFORE_S + FIRST_S + BEFORE_S + FLOOD_S + AFTER_S;
    const loaded = await stage.load({
      script: 'soak',
      env: { RATE: String(perS), SECONDS: String(seconds), REOPEN_SECONDS: '60' },
      seconds,
      onSample(_, second) {
        if (second >= BEFORE_S) flooding.begin();
      },
    });
    await flooding.ended();
    return outcome(stage, loaded, flooding.floods, capacities);
  } finally {
    await flooding.end();
    await dropFolder(folder);
  }
}

function outcome(stage: Stage, loaded: Loaded, floods: Floods, capacities: Capacities): Outcome {
  const ordinary = outcomeOf(stage, loaded);
  const { budgets, figures, phases } = overloaded(loaded, floods, capacities);
  const sizes: Figure[] = [
    { name: 'connections of the flood', value: connectionsOf(stage, capacities), unit: '' },
    { name: 'people who flood', value: floodingPeople(stage), unit: '' },
    {
      ...{ name: `refusals within ${REFUSED_MS} ms, of the first flood`, unit: '%' },
      value: refusedInTimePercent(floods.first),
    },
  ];
  return {
    ...ordinary,
    budgets: [...ordinary.budgets.filter(({ name }) => STILL_HOLDS.test(name)), ...budgets],
    figures: [...figures, ...sizes, ...ordinary.figures],
    plots: [...floodPlots(floods, loaded.fromMs), ...ordinary.plots],
    phases,
  };
}
