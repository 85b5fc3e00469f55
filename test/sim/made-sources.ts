// Another source, and large transactions.

import { type Color, GREEN, RED, YELLOW } from '../../lookup/health-code.ts';
import {
  ask,
  askNow,
  change,
  first,
  type Made,
  made,
  newcomer,
  overtake,
  TOLD_MS,
} from './made.ts';
import type { Transaction } from './postgres.ts';
import { type SimWorld, SUBJECTS } from './world.ts';

const [ONE, TWO, THREE] = SUBJECTS as [string, string, string];
/** Longer than it takes to notice. */
const NOTICED_MS = 600;

/** @returns what puts an older copy into the source's place, which whoever follows can notice */
async function copyOf(world: SimWorld, meanwhile: () => unknown): Promise<() => void> {
  const { postgres } = world;
  const copy = postgres.backup();
  await meanwhile();
  const isNoticed = () => {
    const newest = postgres.disk.tokens.at(-1);
    return newest && !copy.tokens.includes(newest) && world.feedKnows(newest.token);
  };
  while (!isNoticed()) await world.pass(20);
  return () => postgres.restore(copy, false);
}

const OTHER_SOURCE = made('the source is an older copy of itself', async (w) => {
  await ask(w, ONE);
  const restore = await copyOf(w, () => change(w, ONE));
  await ask(w, ONE);
  restore();
  // Its transactions are as many as those of before.
  for (let n = 0; n < 3; n++) change(w, TWO);
  await w.pass(NOTICED_MS);
  await ask(w, ONE);
});

const READ_OF_ANOTHER = made('a read is of the source that was', async (w) => {
  const restore = await copyOf(w, () => change(w, ONE));
  await overtake(w, askNow(ONE), restore);
});

/** That the source is another. */
async function hears(world: SimWorld, process: number): Promise<void> {
  while (world.processes[process]?.freshness.epoch !== world.postgres.epoch) await world.pass(5);
}

/** Two processes, and only one of them hears that the source is another. */
const HEARD_LATE = made('a process reads another source before it hears of it', async (w) => {
  const copy = w.postgres.backup();
  first(w).setRedisLinks('cut');
  w.postgres.restore(copy, true);
  await hears(w, 1);
  for (const relay of w.relays) relay.setSourceLink('cut');
  // Who does not find it in Redis fills it there.
  void w.processes[1]?.ask(ONE);
  await w.pass(30);
  change(w, ONE);
  void askNow(ONE)(w);
  await w.pass(30);
  first(w).setRedisLinks('open');
  await hears(w, 0);
  await ask(w, ONE);
});

/** While pieces come, all who are held are asked for. */
async function watch(world: SimWorld, work: (t: Transaction) => void): Promise<void> {
  for (const subject of [ONE, TWO, THREE]) await ask(world, subject);
  world.write(work);
  for (let ms = 0; ms < TOLD_MS; ms += 2) {
    for (const subject of [ONE, TWO, THREE]) void first(world).ask(subject);
    await world.pass(2);
  }
}

const FLOORS_WITH_PIECES = made('a large transaction has a floor too', async (w) => {
  w.write((t) => w.postgres.floor(t, 2, RED));
  await w.pass(TOLD_MS);
  await watch(w, (t) => {
    for (const subject of SUBJECTS) w.postgres.person(t, subject, GREEN, [2]);
    w.postgres.floor(t, 2, GREEN);
  });
});

const TWICE_IN_PIECES = made('a large transaction changes each twice', async (w) => {
  await watch(w, (t) => {
    for (const color of [YELLOW, RED] as const)
      for (const subject of SUBJECTS) w.postgres.person(t, subject, color);
  });
});

const HELD_IN_LAST_PIECE = made('who is held is in the last piece of a large one', async (w) => {
  await watch(w, (t) => {
    for (let n = 0; n < 12; n++) w.postgres.person(t, newcomer(n % 3, n), RED);
    for (const subject of [ONE, TWO, THREE]) w.postgres.person(t, subject, RED);
  });
});

const JOINED_IN_PIECES = made(
  'a process comes back in the middle of a large transaction, and cannot ask the source',
  async (w) => {
    await ask(w, ONE);
    first(w).setSourceLink('cut');
    first(w).setRedisLinks('cut');
    for (const relay of w.relays) relay.redis.setTakesMs(30);
    w.write((t) => {
      w.postgres.person(t, ONE, RED);
      for (let n = 0; n < 15; n++) w.postgres.person(t, newcomer(n % 3, n), RED);
    });
    await w.pass(300);
    first(w).setRedisLinks('open');
    await w.pass(1_000);
    for (const relay of w.relays) relay.redis.setTakesMs(undefined);
    await w.pass(TOLD_MS);
    await ask(w, ONE);
  },
  { config: { feedBatchesMax: 2 } },
);

const swap = (world: SimWorld, own: Color, floor: Color) =>
  world.write((t) => {
    world.postgres.floor(t, 1, floor);
    world.postgres.person(t, ONE, own, [1]);
  });

const SWAPPED = made('color and floor swap which of them is red, and are read', async (w) => {
  swap(w, RED, GREEN);
  await w.pass(TOLD_MS);
  swap(w, GREEN, RED);
  void askNow(ONE)(w);
  await w.pass(15);
  await ask(w, ONE);
});

/** For most of a second after this, a copy has the newest of the tokens. */
async function tokenWritten(world: SimWorld): Promise<void> {
  const { disk } = world.postgres;
  const had = disk.tokens.length;
  while (disk.tokens.length === had) await world.pass(5);
}

const SWAPPED_BACK = made('another source has color and floor as they were', async (w) => {
  await tokenWritten(w);
  swap(w, GREEN, RED);
  await w.pass(TOLD_MS);
  const copy = w.postgres.backup();
  swap(w, RED, GREEN);
  await w.pass(TOLD_MS);
  w.restartProcess(0);
  await w.pass(TOLD_MS);
  w.postgres.restore(copy, true);
  void askNow(ONE)(w);
  await w.pass(15);
  await ask(w, ONE);
});

const LATE_FEED = made('the feed comes late', async (w) => {
  first(w).redis.setTakesMs(15);
  await w.pass(1_000);
  await ask(w, ONE);
  first(w).redis.setTakesMs(undefined);
});

export const OF_SOURCES = {
  'a new epoch': OTHER_SOURCE,
  'tokens of history': OTHER_SOURCE,
  'refusing reads begun before following': READ_OF_ANOTHER,
  'refusing what a layer had before a new epoch': HEARD_LATE,
  'the epoch of reads': SWAPPED_BACK,
  'telling floors from people': FLOORS_WITH_PIECES,
  'only the last of two changes in a transaction': TWICE_IN_PIECES,
  'pieces that say so': HELD_IN_LAST_PIECE,
  'knowing a piece from a position': JOINED_IN_PIECES,
  'one instant for record and floors': SWAPPED,
  'ages from a round trip': LATE_FEED,
} satisfies Record<string, Made>;
