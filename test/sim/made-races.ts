// What one process may be told too late, or forget too early.

import { type Color, GREEN, RED, YELLOW } from '../../lookup/health-code.ts';
import {
  ask,
  askNow,
  change,
  changeOthers,
  first,
  type Made,
  made,
  missMuch,
  newcomer,
  overtake,
  SHORT_FEED,
  TOLD_MS,
  UNDER_WAY_MS,
} from './made.ts';
import { type SimWorld, SUBJECTS } from './world.ts';

const [ONE, TWO, THREE, FOUR] = SUBJECTS as [string, string, string, string];
const TINY_FENCE = { config: { fenceEntriesMax: 2 } };
const SMALL_FENCE = { config: { fenceEntriesMax: 8 } };

export const OVERTAKEN_READ = made('a read is overtaken by a change', async (w) => {
  await overtake(w, askNow(ONE), () => change(w, ONE));
  await ask(w, ONE);
});

export const OVERTAKEN_ABSENT = made('an absent one comes while it is read', async (w) => {
  await overtake(
    w,
    () => first(w).ask(newcomer(0, 0)),
    () => change(w, newcomer(0, 0)),
  );
  await ask(w, newcomer(0, 0));
});

export const FORGOTTEN_READ = made(
  'a read is overtaken by a change that the fence has forgotten',
  async (w) => {
    await overtake(w, askNow(ONE), () => {
      change(w, ONE);
      changeOthers(w);
    });
    await ask(w, ONE);
  },
  TINY_FENCE,
);

export const FORGOTTEN_ABSENT = made(
  'an absent one comes while it is read, and the fence has forgotten it',
  async (w) => {
    await overtake(
      w,
      () => first(w).ask(newcomer(0, 0)),
      () => {
        change(w, newcomer(0, 0));
        changeOthers(w);
      },
    );
    await w.pass(TOLD_MS);
    await ask(w, newcomer(0, 0));
  },
  TINY_FENCE,
);

export const EVICTED = made(
  'a newer one was answered, forgotten and evicted while an older one was read',
  async (w) => {
    await ask(w, ONE);
    await overtake(w, askNow(ONE), async () => {
      change(w, ONE);
      for (let n = 0; n < 8; n++) change(w, newcomer(n % 3, n));
      await w.pass(TOLD_MS);
      await ask(w, ONE);
      for (const other of [TWO, THREE, FOUR, newcomer(1, 1)]) void first(w).ask(other);
      await w.pass(30);
      // Who waits for the read that began before.
      void first(w).ask(ONE);
    });
    await w.pass(UNDER_WAY_MS);
  },
  SMALL_FENCE,
);

export const ABSENT_COMES = made('an absent one is asked for, and comes', async (w) => {
  await ask(w, newcomer(0, 0));
  change(w, newcomer(0, 0));
  await w.pass(2 * TOLD_MS);
  await ask(w, newcomer(0, 0));
});

export const FIRST_LOAD = made(
  'all come with one mark',
  async (w) => {
    await ask(w, ONE);
    w.write((t) => w.postgres.firstLoad(t, new Map(SUBJECTS.map((subject) => [subject, RED]))));
    await w.pass(2 * TOLD_MS);
    await ask(w, ONE);
  },
  { people: false },
);

export const READ_WHOLE = made(
  'what was read whole is overtaken, and memory has no room for the newer one',
  async (w) => {
    for (const relay of w.relays) relay.setSourceLink('cut');
    await w.pass(2_500);
    void askNow(ONE)(w);
    await w.pass(50);
    for (const relay of w.relays) relay.setSourceLink('open');
    change(w, ONE);
    await w.pass(1_500);
    await ask(w, ONE);
    for (const other of [TWO, THREE, FOUR]) await ask(w, other);
    await ask(w, ONE);
  },
  { config: { staleAfterMs: 2_300 } },
);

export const MISSED = made(
  'a process misses a change, and the feed no longer has it',
  async (w) => {
    await ask(w, ONE);
    await missMuch(w, () => change(w, ONE));
    await ask(w, ONE);
  },
  SHORT_FEED,
);

export const FLOORS_TURN = made(
  'a process misses that color and floor swap which of them is red',
  async (w) => {
    const swap = (own: Color, floor: Color) =>
      w.write((t) => {
        w.postgres.floor(t, 1, floor);
        w.postgres.person(t, ONE, own, [1]);
      });
    swap(GREEN, RED);
    await w.pass(TOLD_MS);
    await ask(w, ONE);
    await missMuch(w, () => swap(RED, GREEN));
    await ask(w, ONE);
  },
  SHORT_FEED,
);

export const TRIMMED = made('a process is away for longer than the outbox is kept', async (w) => {
  await ask(w, ONE);
  first(w).setSourceLink('cut');
  first(w).setRedisLinks('cut');
  change(w, ONE);
  await w.pass(2 * w.config.outboxRetentionMs);
  first(w).setSourceLink('open');
  await w.pass(1_000);
  await ask(w, ONE);
});

export const OPEN_TRANSACTION = made('a transaction stays open for a while', async (w) => {
  await ask(w, ONE);
  const t = w.postgres.begin();
  w.postgres.person(t, ONE, RED);
  change(w, TWO);
  await w.pass(TOLD_MS);
  w.postgres.commit(t);
  await w.pass(TOLD_MS);
  await ask(w, ONE);
});

/** Between a poll's snapshot and what it says is its time. */
export const WHILE_POLLED = made('a change while the outbox is polled', async (w: SimWorld) => {
  await ask(w, ONE);
  for (let n = 0; n < 120; n++) {
    change(w, TWO, n % 2 ? YELLOW : RED);
    await w.pass(w.time.between(55, 75));
    change(w, ONE, n % 2 ? RED : YELLOW);
    for (let i = 0; i < 8; i++) {
      await w.pass(4);
      void first(w).ask(ONE);
    }
  }
});

export const RACES = {
  'the fence': OVERTAKEN_READ,
  'a fence for the absent': OVERTAKEN_ABSENT,
  'refusing reads older than the fence': FORGOTTEN_READ,
  'refusing absents begun before following': FORGOTTEN_ABSENT,
  'what memory evicts in the fence': EVICTED,
  'dropping negatives': ABSENT_COMES,
  'the mark of a first load': FIRST_LOAD,
  'dropping what was read whole': READ_WHOLE,
  'the chain in processes': MISSED,
  'a new generation at a restart': MISSED,
  'the floors of an ended generation': FLOORS_TURN,
  'a trim floor': TRIMMED,
  'open transactions in a cursor': OPEN_TRANSACTION,
  'a time from before the snapshot': WHILE_POLLED,
} satisfies Record<string, Made>;
