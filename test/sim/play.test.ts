import fc from 'fast-check';
import { expect, it } from 'vitest';
import { play, REDIS_FORGETS, type Schedule, schedules } from './play.ts';
import type { Step } from './steps.ts';
import type { SimWorld } from './world.ts';

const [schedule] = fc.sample(schedules(REDIS_FORGETS), { seed: 4, numRuns: 1 }) as [Schedule];

/** Chance comes next to the same number only when all before went the same way. */
const traceOf = ({ time, judged }: SimWorld) => ({ now: time.now, next: time.random(), judged });

it('a schedule goes the same way on a machine that is slow', async () => {
  const slowly = ({ name, run }: Step): Step => ({
    name,
    run(world) {
      const begun = performance.now();
      while (performance.now() - begun < 5);
      return run(world);
    },
  });
  const steps = schedule.steps.map(slowly);
  expect(traceOf(await play({ ...schedule, steps }))).toEqual(traceOf(await play(schedule)));
});

it('a schedule is refused while another is under way, whose timers it would take', async () => {
  const first = play(schedule);
  await expect(play(schedule)).rejects.toThrow('still under way');
  await first;
});
