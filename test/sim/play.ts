// Schedules: steps by chance, then everything is well again, and the system must come to the truth.

import fc from 'fast-check';
import { judgeHealed } from './judge.ts';
import type { Step } from './steps.ts';
import * as steps from './steps.ts';
import { populate, type SimOptions, SimWorld, SUBJECTS } from './world.ts';

/** How likely each kind of step is beside the others. */
export type Weights = Partial<Record<keyof typeof KINDS, number>>;

const KINDS = {
  asks: steps.ASKS,
  writes: steps.WRITES,
  endings: steps.ENDINGS,
  passes: steps.PASSES,
  links: steps.LINKS,
  restarts: steps.RESTARTS,
  nodes: steps.NODES,
  pauses: steps.PAUSES,
  emptied: steps.EMPTIED,
  clocks: steps.CLOCKS,
  promotions: steps.PROMOTIONS,
  losses: steps.LOSSES,
};

const PEACE = { asks: 12, writes: 8, endings: 4, passes: 10 };
const TROUBLE = { links: 3, restarts: 1, pauses: 1, clocks: 1 };
/** All that may happen, but that source and Redis both forget what the other might know. */
export const REDIS_FORGETS: Weights = {
  ...PEACE,
  ...TROUBLE,
  emptied: 0.5,
  nodes: 2,
  promotions: 0.7,
};
export const SOURCE_FORGETS: Weights = { ...PEACE, ...TROUBLE, losses: 2 };

/** One standby after the other, each before all have heard of the last. */
export const STANDBYS_TAKE_OVER: Weights = { ...PEACE, promotions: 6, restarts: 2 };
export const OFTEN_LATE = { likely: 0.3, mostMs: 300 };

export interface Schedule {
  readonly seed: number;
  readonly steps: readonly Step[];
}

export function schedules(weights: Weights, maxLength = 70): fc.Arbitrary<Schedule> {
  const kinds = Object.entries(weights).flatMap(([kind, weight]) => {
    const all = KINDS[kind as keyof typeof KINDS];
    return all.map((arbitrary) => ({ weight: weight / all.length, arbitrary }));
  });
  // Weights are whole numbers there.
  const whole = kinds.map(({ weight, arbitrary }) => ({
    weight: Math.ceil(weight * 60),
    arbitrary,
  }));
  return fc.record({
    seed: fc.nat(1_000_000),
    steps: fc.array(fc.oneof(...whole), { minLength: maxLength / 2, maxLength, size: 'max' }),
  });
}

/** Longer than the longest lease, breaker, retention and late message. */
const HEALING_MS = 9_000;

/** @throws what a judge found */
export async function play(schedule: Schedule, options: SimOptions = {}): Promise<SimWorld> {
  const world = new SimWorld(schedule.seed, options);
  await world.time.rule(async () => {
    try {
      populate(world, options);
      await world.start(options);
      for (const { run } of schedule.steps) {
        await run(world);
        await world.pass(world.time.between(1, 40));
      }
      world.heal();
      await world.pass(HEALING_MS);
      await judgeHealed(world, SUBJECTS);
    } finally {
      world.stop();
      // Whatever waits comes to its end.
      await world.time.pass(2_000).catch(() => {});
    }
  });
  return world;
}
