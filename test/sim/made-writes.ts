// What may happen to a record in Redis.

import { GREEN, RED, type Subject, YELLOW } from '../../lookup/health-code.ts';
import {
  ask,
  askCold,
  change,
  feedShard,
  first,
  type Made,
  made,
  newcomer,
  shardBeside,
  TOLD_MS,
  UNDER_WAY_MS,
} from './made.ts';
import { type SimWorld, SUBJECTS } from './world.ts';

const SHARD = 0;
const SUBJECT = SUBJECTS[SHARD] as Subject;

const beside = (world: SimWorld) => newcomer(shardBeside(world), 0);

/** Read from the source by who did not find it in Redis; what is written there comes after `lateMs`. */
async function fillLate(world: SimWorld, subject: Subject, lateMs: number): Promise<void> {
  const process = first(world);
  process.setSourceTakesMs(UNDER_WAY_MS);
  void process.ask(subject);
  await world.pass(UNDER_WAY_MS + 30);
  process.redis.setTakesMs(lateMs);
  await world.pass(UNDER_WAY_MS);
  process.redis.setTakesMs(undefined);
  process.setSourceTakesMs(undefined);
}

/** Whoever came with it is in the source, and not in Redis. */
const loadFirst = (world: SimWorld) =>
  world.write((t) => world.postgres.firstLoad(t, new Map(SUBJECTS.map((s) => [s, GREEN]))));
const NOBODY = { people: false };

const FILL_AFTER_CHANGE = made(
  'a fill comes after a change',
  async (w) => {
    loadFirst(w);
    await fillLate(w, SUBJECT, 400);
    change(w, SUBJECT);
    await w.pass(400);
    await askCold(w, SUBJECT);
  },
  NOBODY,
);

const FILL_AFTER_TOMBSTONE = made(
  'a fill comes after the tombstone has gone',
  async (w) => {
    loadFirst(w);
    await fillLate(w, SUBJECT, 10_000);
    w.write((t) => w.postgres.person(t, SUBJECT, undefined));
    await w.pass(10_000);
    await askCold(w, SUBJECT);
  },
  NOBODY,
);

/** One fill after the other, so that one comes after the node began anew and before somebody has filled it. */
const FILL_AFTER_EMPTYING = made(
  'fills come after their node was emptied',
  async (w) => {
    const subjects = Array.from({ length: 10 }, (_, n) => newcomer(SHARD, n));
    w.write((t) => w.postgres.firstLoad(t, new Map(subjects.map((s) => [s, GREEN]))));
    const process = first(w);
    process.setSourceTakesMs(UNDER_WAY_MS);
    for (const subject of subjects) {
      void process.ask(subject);
      await w.pass(50);
    }
    process.redis.setTakesMs(900);
    // The first reply comes 100 ms from now, the last 450 ms later.
    await w.pass(600);
    for (const subject of subjects) change(w, subject);
    await w.pass(TOLD_MS);
    w.redis.empty(SHARD);
    w.restartProcess(1);
    await w.pass(325);
    for (const subject of subjects) {
      void w.processes[1]?.ask(subject);
      await w.pass(50);
    }
    process.redis.setTakesMs(undefined);
    process.setSourceTakesMs(undefined);
  },
  { ...NOBODY, config: { redisBreakerFailures: 100 } },
);

const TWICE_IN_ONE_BATCH = made('a later change is of an earlier transaction', async (w) => {
  const t = w.postgres.begin();
  change(w, SUBJECT, YELLOW);
  w.postgres.person(t, SUBJECT, RED);
  w.postgres.commit(t);
  await w.pass(TOLD_MS);
  await askCold(w, SUBJECT);
});

const OLD_DUMP = made('a node comes back from a dump', async (w) => {
  change(w, beside(w), YELLOW);
  await w.pass(2 * TOLD_MS);
  change(w, beside(w), RED);
  await w.pass(TOLD_MS);
  w.redis.restart(shardBeside(w), TOLD_MS + 20);
  await w.pass(300);
  await askCold(w, beside(w));
});

const OLD_REPLICA = made('a replica takes over that the relay cannot reach', async (w) => {
  change(w, beside(w), YELLOW);
  await w.pass(2 * TOLD_MS);
  change(w, beside(w), RED);
  await w.pass(TOLD_MS);
  for (const relay of w.relays) relay.setRedisLinks('cut', shardBeside(w));
  w.redis.restart(shardBeside(w), TOLD_MS + 20);
  await askCold(w, beside(w));
});

const FEED_FORGETS = made('the node of the feed comes back without its last floor', async (w) => {
  const subject = SUBJECTS[1] as Subject;
  await ask(w, subject);
  w.write((t) => w.postgres.floor(t, 1, RED));
  await w.pass(TOLD_MS);
  w.redis.restart(feedShard(w), TOLD_MS + 20);
  await w.pass(250);
  await askCold(w, subject);
});

export const LATE_WRITES = {
  'only if newer, for fills': FILL_AFTER_CHANGE,
  'the age of fills': FILL_AFTER_TOMBSTONE,
  'the keyspace of fills': FILL_AFTER_EMPTYING,
  'only if newer, for the relay': TWICE_IN_ONE_BATCH,
  'links of node writes': OLD_DUMP,
  'marks of nodes': OLD_REPLICA,
  'the chain in Redis': FEED_FORGETS,
} satisfies Record<string, Made>;
