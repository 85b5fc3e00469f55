// Schedules made by hand, for what chance seldom meets: each is one step, after which all must become well as after any
// other. Nothing is late in them but what they make late.

import { type Color, RED, type Subject } from '../../lookup/health-code.ts';
import { FEED_KEY } from '../../lookup/redis/scripts.ts';
import { slotOf } from '../../lookup/redis/slots.ts';
import type { Schedule } from './play.ts';
import type { SimProcess } from './process.ts';
import { type SimOptions, type SimWorld, SUBJECTS, subjectOn } from './world.ts';

export interface Made {
  readonly schedule: Schedule;
  readonly options: SimOptions;
}

export const made = (
  name: string,
  run: (world: SimWorld) => Promise<void>,
  { config, ...others }: SimOptions = {},
): Made => ({
  schedule: { seed: 1, steps: [{ name, run }] },
  options: {
    ...others,
    lateness: { likely: 0, mostMs: 0 },
    // A read of the source may take long.
    config: { sourceTimeoutHardMs: 3_000, ...config },
  },
});

/** Longer than a change takes to be on every node and in every process. */
export const TOLD_MS = 150;
export const UNDER_WAY_MS = 300;

export const first = (world: SimWorld) => world.processes[0] as SimProcess;

export const change = (world: SimWorld, subject: Subject, color: Color = RED) =>
  world.write((t) => world.postgres.person(t, subject, color));

/** Enough changes that a fence for two has forgotten whoever was before. */
export const changeOthers = (world: SimWorld) => {
  for (const subject of SUBJECTS.slice(2, 4)) change(world, subject);
};

export const feedShard = ({ redis }: SimWorld) => redis.shardOf(slotOf(FEED_KEY));
/** On a node that has not the feed. */
export const shardBeside = (world: SimWorld) => (feedShard(world) + 1) % world.redis.masters.length;

/** Somebody on that node who is not there yet. */
export const newcomer = (shard: number, n: number) => subjectOn(shard, 10 + n);

export async function ask(world: SimWorld, subject: Subject): Promise<void> {
  void first(world).ask(subject);
  await world.pass(50);
}

/** By a process that has never heard of anybody. */
export async function askCold(world: SimWorld, subject: Subject): Promise<void> {
  world.restartProcess(1);
  await world.pass(TOLD_MS);
  void world.processes[1]?.ask(subject);
  await world.pass(50);
}

/**
 * Past Redis: it is read from the source. Of the whole millisecond, as the source tells its time: a read that is there
 * within the same one would else be "not yet", and show nobody anything.
 */
export const askNow = (subject: Subject) => (world: SimWorld) =>
  first(world).ask(subject, Math.floor(world.postgres.now()));

/** The source has answered; while the reply is under way, more happens, and is told. */
export async function overtake(
  world: SimWorld,
  question: (world: SimWorld) => unknown,
  meanwhile: () => unknown,
): Promise<void> {
  first(world).setSourceTakesMs(UNDER_WAY_MS);
  void question(world);
  await world.pass(UNDER_WAY_MS + 30);
  await meanwhile();
  await world.pass(UNDER_WAY_MS);
  first(world).setSourceTakesMs(undefined);
}

/** The process hears of nothing, while the feed goes on for longer than it is kept. */
export async function missMuch(world: SimWorld, meanwhile: () => unknown): Promise<void> {
  first(world).setSourceLink('cut');
  first(world).setRedisLinks('cut');
  await meanwhile();
  await world.pass(1_500);
  first(world).setRedisLinks('open');
  await world.pass(300);
}
export const SHORT_FEED = { config: { feedBatchesMax: 4 } };
