// Whatever happens to the source, to Redis, to the network, to clocks and to processes, in whatever order: each answer
// was true at an instant between its as_of and when it was given, and is marked when it is old; and once all is well,
// everything agrees with the source (feed.md). The service's own code, over machines in memory.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  OFTEN_LATE,
  play,
  REDIS_FORGETS,
  SOURCE_FORGETS,
  STANDBYS_TAKE_OVER,
  schedules,
} from '../../test/sim/play.ts';
import { type SimWorld, SUBJECTS } from '../../test/sim/world.ts';

const RUNS = { seed: 4, endOnFailure: false };
/** On two cores, beside all other tests. */
const PATIENCE_MS = 60_000;

it(
  'answers what was true since as_of, while nodes of Redis lose writes and another source takes over',
  async () => {
    await fc.assert(
      fc.asyncProperty(schedules(REDIS_FORGETS), async (schedule) => {
        const world = await play(schedule);
        expect(world.judged).toBeGreaterThan(0);
      }),
      { ...RUNS, numRuns: 60 },
    );
  },
  PATIENCE_MS,
);

it(
  'answers what was true since as_of, while the source loses history',
  async () => {
    await fc.assert(
      fc.asyncProperty(schedules(SOURCE_FORGETS), async (schedule) => {
        const world = await play(schedule);
        expect(world.judged).toBeGreaterThan(0);
      }),
      { ...RUNS, numRuns: 40 },
    );
  },
  PATIENCE_MS,
);

it(
  'answers what was true since as_of, while one standby after the other takes over',
  async () => {
    await fc.assert(
      fc.asyncProperty(schedules(STANDBYS_TAKE_OVER), async (schedule) => {
        const world = await play(schedule, { lateness: OFTEN_LATE });
        expect(world.judged).toBeGreaterThan(0);
      }),
      { ...RUNS, numRuns: 40 },
    );
  },
  PATIENCE_MS,
);

it.each([1, 4, 8])(
  'who was erased while the source became another is not shown from memory for ever (seed %i)',
  async (seed) => {
    const [subject = ''] = SUBJECTS;
    const back = { name: 'set back', run: (w: SimWorld) => w.postgres.stepClock(-2_000) };
    const steps = [
      {
        name: 'erase',
        run: (w: SimWorld) => w.postgres.person(w.postgres.begin(), subject, undefined),
      },
      back,
      {
        name: 'ask',
        run: (w: SimWorld) => w.processes.map((one) => SUBJECTS.map((s) => one.ask(s))),
      },
      back,
    ];
    await play({ seed, steps }, { lateness: { likely: 0.1, mostMs: 3_000 } });
  },
);
