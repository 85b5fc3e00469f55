// Whatever the order of transactions, statements, replies and batches: each answer was true at one instant between its
// as_of and when it was given (feed.md, rule 11). Every wait is a step of the schedule.

import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Transaction } from '../test/model-source.ts';
import { holdTime, ModelWorld } from '../test/model-world.ts';
import type { Batch } from './feed/feed.ts';
import { type Color, GREEN, RED, YELLOW } from './health-code.ts';

beforeEach(() => {
  holdTime();
});
afterEach(() => {
  vi.useRealTimers();
});

const idOf = (n: number) => Buffer.alloc(16, n).toString('base64url');
const SUBJECTS = [idOf(1), idOf(2)];
const AREAS = [1, 2];
const SCHEDULES = { numRuns: 600 };

type Step = (world: ModelWorld) => unknown;
/** Prints its name when a schedule fails. */
const step = (name: string, run: Step): Step =>
  Object.assign(run, { [fc.toStringMethod]: () => name });

const nat = fc.nat(5);
const subjects = fc.constantFrom(...SUBJECTS);
const colors = fc.constantFrom<Color>(GREEN, YELLOW, RED);
const joins = fc.constantFrom<Batch['joins']>('restarts', 'new-epoch');
const spans = fc.constantFrom(1, 70, 900, 2_500, 31_000);
const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const plain = (weight: number, name: string, run: Step) =>
  weighted(
    weight,
    fc.constant(null).map(() => step(name, run)),
  );

/** What happens besides writing. */
const turns = [
  weighted(
    6,
    subjects.map((s) => step(`ask ${s}`, (w) => w.ask(s))),
  ),
  weighted(
    1,
    subjects.map((s) => step(`ask ${s} for now`, (w) => w.ask(s, w.source.now()))),
  ),
  weighted(
    3,
    nat.map((n) => step(`read ${n}`, (w) => w.read(n))),
  ),
  weighted(
    5,
    nat.map((n) => step(`reply ${n}`, (w) => w.reply(n))),
  ),
  weighted(
    1,
    nat.map((n) => step(`fail ${n}`, (w) => w.fail(n))),
  ),
  plain(3, 'poll', (w) => w.poll()),
  plain(4, 'deliver', (w) => w.deliver()),
  weighted(
    1,
    joins.map((how) => step(`poll ${how}`, (w) => w.poll(how))),
  ),
  weighted(
    3,
    spans.map((ms) => step(`pass ${ms}`, (w) => w.pass(ms))),
  ),
  weighted(
    2,
    nat.map((n) =>
      step(`commit ${n}`, ({ source }) => {
        const t = source.open[n % source.open.length];
        if (t) source.commit(t);
      }),
    ),
  ),
];

/** A transaction of its own, or one that is left open. */
const writing = (name: string, work: (world: ModelWorld, t: Transaction) => void) =>
  fc.constantFrom(
    step(`write ${name}`, (w) => w.source.write((t) => work(w, t))),
    step(`begin ${name}`, (w) => work(w, w.source.begin())),
  );

const schedules = (writes: fc.Arbitrary<Step>) =>
  fc.array(fc.oneof(...turns, weighted(5, writes)), { maxLength: 60, size: 'max' });
const sizes = fc.record({
  memoryRecordsMax: fc.constantFrom(1, 8),
  fenceEntriesMax: fc.constantFrom(4, 100),
});

/** All of it; then the source answers again, and every person is fresh and right. */
async function play(world: ModelWorld, schedule: readonly Step[]): Promise<void> {
  for (const run of schedule) {
    await world.pass(1);
    await run(world);
    await world.settle();
  }
  await world.pass(1);
  for (const t of world.source.open) world.source.commit(t);
  world.deliver();
  await world.pass(1);
  world.follow();
  while (world.loads.length > 0) {
    world.reply();
    await world.settle();
  }
  for (const subject of SUBJECTS) {
    const now = world.source.now();
    const [truth] = world.source.between(subject, now, now);
    const expected = truth ? { ...truth, stale: false } : { outcome: 'absent' };
    // The first may still be the answer of a time before, within its bound.
    await world.get(subject, now);
    await world.pass(1);
    world.follow();
    expect(await world.get(subject)).toMatchObject(expected);
  }
}

it('an answer was true at an instant between its as_of and now, and says when it is old', async () => {
  const writes = fc.oneof(
    fc
      .tuple(subjects, colors, fc.subarray(AREAS))
      .chain(([s, color, areas]) =>
        writing(`${s} ${color} ${areas}`, (w, t) => w.source.person(t, s, color, areas)),
      ),
    subjects.chain((s) => writing(`${s} erased`, (w, t) => w.source.person(t, s, undefined))),
    fc
      .tuple(fc.constantFrom(...AREAS), colors)
      .chain(([area, floor]) =>
        writing(`area ${area} ${floor}`, (w, t) => w.source.floor(t, area, floor)),
      ),
  );
  await fc.assert(
    fc.asyncProperty(sizes, schedules(writes), async (size, schedule) => {
      const world = new ModelWorld(size);
      world.source.write((t) => {
        for (const area of AREAS) world.source.floor(t, area, GREEN);
        world.source.person(t, SUBJECTS[0] as string, RED, [1]);
      });
      world.follow();
      await play(world, schedule);
    }),
    SCHEDULES,
  );
});

it('nobody is shown green whose own color and area swap which of them is red', async () => {
  /** Each person's own color is the other one: their effective color is always red. */
  const swap = (w: ModelWorld, t: Transaction, floor: Color) => {
    if (!w.source.floor(t, 1, floor)) return;
    for (const s of SUBJECTS) w.source.person(t, s, floor === RED ? GREEN : RED, [1]);
  };
  const swaps = fc
    .constantFrom<Color>(GREEN, RED)
    .chain((floor) => writing(`floor ${floor}`, (w, t) => swap(w, t, floor)));
  await fc.assert(
    fc.asyncProperty(sizes, schedules(swaps), async (size, schedule) => {
      const world = new ModelWorld(size);
      world.source.write((t) => swap(world, t, RED));
      world.follow();
      await play(world, schedule);
      for (const answer of world.given)
        if (answer.outcome === 'found') expect(answer.color).toBe(RED);
    }),
    SCHEDULES,
  );
});
