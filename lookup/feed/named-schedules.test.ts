// Schedules that once came to a wrong answer, step by step. The service's own code, over machines in memory; each
// answer is judged when it is given.

import { afterEach, expect, it } from 'vitest';
import { judgeHealed } from '../../test/sim/judge.ts';
import type { SimProcess } from '../../test/sim/process.ts';
import type { SimRelay } from '../../test/sim/relay.ts';
import { populate, type SimOptions, SimWorld, SUBJECTS, subjectOn } from '../../test/sim/world.ts';
import { type Answer, type Color, GREEN, RED, YELLOW } from '../health-code.ts';
import { FEED_KEY } from '../redis/scripts.ts';
import { slotOf } from '../redis/slots.ts';

const PERSON = SUBJECTS[1] as string;
const MANY = Array.from({ length: 60 }, (_, n) => subjectOn(n % 3, 10 + n));

let world: SimWorld;
afterEach(() => world.stop());

/** Two relays, one process, and nothing that comes late. */
function ruled(work: (process: SimProcess) => Promise<void>, options: SimOptions = {}) {
  world = new SimWorld(7, { lateness: { likely: 0, mostMs: 0 }, ...options });
  return world.time.rule(async () => {
    populate(world, options);
    await world.start({ relays: 2, processes: 1 });
    await world.pass(2_500);
    await work(world.processes[0] as SimProcess);
  });
}

async function ask(process: SimProcess, subject: string): Promise<Answer> {
  const asking = process.ask(subject);
  await world.pass(world.config.deadlineGrpcMs + 50);
  return asking;
}

const feedShard = () => world.redis.shardOf(slotOf(FEED_KEY));
const leader = () => world.relays.findIndex(({ relay }) => relay.leads);

it('a leader that is killed in the middle of a large transaction leaves nothing out', () =>
  ruled(
    async (process) => {
      const recolor = (color: Color) =>
        world.write((t) => {
          for (const subject of MANY) world.postgres.person(t, subject, color);
        });
      recolor(GREEN);
      await world.pass(1_500);
      for (const subject of MANY) await ask(process, subject);
      const { stats } = (world.relays[leader()] as SimRelay).relay;
      const { people } = stats;
      recolor(RED);
      while (stats.people < people + 10) await world.pass(1);
      expect(stats.people).toBeLessThan(people + MANY.length);
      world.restartRelay(leader());
      await world.pass(4_000);
      await judgeHealed(world, MANY);
    },
    { config: { memoryRecordsMax: 100 } },
  ));

it('a transaction that is open for longer than the outbox is kept is delivered when it commits', () =>
  ruled(async (process) => {
    await ask(process, PERSON);
    const idle = world.postgres.begin();
    world.postgres.person(idle, PERSON, RED);
    // Others commit meanwhile, are told at once, and are trimmed.
    for (let second = 0; second < 10; second++) {
      world.write((t) =>
        world.postgres.person(t, SUBJECTS[0] as string, second % 2 ? RED : YELLOW),
      );
      await world.pass(1_000);
    }
    expect(await ask(process, SUBJECTS[0] as string)).toMatchObject({ color: RED, stale: false });
    expect(world.postgres.disk.trimmed).not.toBeNull();
    world.postgres.commit(idle);
    await world.pass(1_000);
    expect(await ask(process, PERSON)).toMatchObject({ color: RED, stale: false });
  }));

it("a step back of the source's clock is another epoch, and answers are right after it", () =>
  ruled(async (process) => {
    await ask(process, PERSON);
    const was = process.freshness.epoch;
    world.postgres.stepClock(-2_000);
    world.write((t) => world.postgres.person(t, PERSON, RED));
    await world.pass(4_000);
    expect(process.freshness.epoch).not.toBe(was);
    await judgeHealed(world, SUBJECTS);
  }));

it('a batch that a promoted replica lacks reaches who had not read it, though its numbers go on', () =>
  ruled(async (process) => {
    await ask(process, PERSON);
    const { generation } = process.freshness;
    process.setRedisLinks('silent', feedShard());
    const { relay, redis } = world.relays[leader()] as SimRelay;
    const { people } = relay.stats;
    world.write((t) => world.postgres.person(t, PERSON, RED));
    while (relay.stats.people === people) await world.pass(1);
    await world.pass(10);
    world.redis.promote(feedShard(), 100);
    // The leader hears of it before it appends again: nothing tells it that anything was lost.
    redis.refresh();
    process.setRedisLinks('open');
    await world.pass(4_000);
    expect(await ask(process, PERSON)).toMatchObject({ color: RED, stale: false });
    // Nobody was sent to the source for what was held.
    expect(process.freshness.generation).toBe(generation);
  }));

it('a process that starts without the source has the floors of the feed, and answers from Redis', () =>
  ruled(async () => {
    world.write((t) => world.postgres.floor(t, 1, RED));
    await world.pass(500);
    const late = world.startProcess();
    late.setSourceLink('cut');
    await world.pass(1_500);
    expect(late.freshness.started).toBe(true);
    expect(await ask(late, PERSON)).toMatchObject({ outcome: 'found', color: RED, stale: true });
  }));

it('an erased person who was forgotten everywhere does not come back with an old dump', () =>
  ruled(
    async (process) => {
      const shard = SUBJECTS.indexOf(PERSON) % 3;
      expect(await ask(process, PERSON)).toMatchObject({ outcome: 'found' });
      world.write((t) => world.postgres.person(t, PERSON, undefined));
      // Longer than tombstones and the outbox last; and somebody who has heard nothing of it.
      await world.pass(6_000);
      const cold = world.startProcess();
      await world.pass(1_000);
      expect(world.postgres.disk.visible.people.has(PERSON)).toBe(false);
      world.redis.restart(shard, 7_500);
      for (const one of [cold, process]) expect((await ask(one, PERSON)).outcome).toBe('absent');
      await world.pass(3_000);
      await judgeHealed(world, SUBJECTS);
    },
    { config: { tombstoneMs: 1_000 } },
  ));
