// What can be broken on purpose, each to see a budget fail: a suite that has never been red proves nothing.

import pg from 'pg';
import type { Rig } from '../rig/rig.ts';
import type { Plan } from './plan.ts';
import { plant } from './planted.ts';

export interface Broken {
  readonly name: string;
  /** In a line, with the budget that must fail. */
  readonly meaning: string;
  /** LOOKUP_… of every process. */
  readonly env?: Readonly<Record<string, string>>;
  /** @returns what ends it */
  readonly begin?: (rig: Rig, plan: Plan) => Promise<() => Promise<void>>;
}

/** Nothing is ever late enough. */
export const NO_ADMISSION = {
  LOOKUP_ADMISSION_DELAY_MS: '604800000',
  LOOKUP_ADMISSION_STALL_MS: '604800000',
  LOOKUP_HTTP_IN_FLIGHT_MAX: '1000000000',
  LOOKUP_GRPC_IN_FLIGHT_MAX: '1000000000',
};

export const BROKEN: readonly Broken[] = [
  {
    name: 'slow-source',
    meaning: 'Redis is empty and the table of people is locked: failed, gave_up',
    begin: slowSource,
  },
  {
    name: 'admission-off',
    meaning: 'nobody is refused at the door: refusals and others, in "overload"',
    env: NO_ADMISSION,
  },
  {
    name: 'wrong-color',
    meaning: 'records in Redis have another color, past all checks: wrong',
    begin: (rig) => plant(rig, 'wrong-color'),
  },
  {
    name: 'another-person',
    meaning: 'records in Redis are those of other people, past all checks: wrong',
    begin: (rig) => plant(rig, 'another-person'),
  },
  {
    name: 'swapped-photos',
    meaning: 'every photo has the bytes of one other: photos_wrong',
    begin: swapPhotos,
  },
  {
    name: 'never-stale',
    meaning: 'no relay runs, and answers count as fresh for ten minutes: stale_unmarked',
    env: { LOOKUP_STALE_AFTER_MS: '600000', LOOKUP_FENCE_MS: '700000' },
    begin: noRelays,
  },
  {
    name: 'no-relays',
    meaning: 'no relay runs, and every answer says so: stale_marked',
    begin: noRelays,
  },
  {
    name: 'paused-relays',
    meaning: 'both relays stand still for 5 s in every 10: visible_in_time, in "recolor-at-peak"',
    begin: pauseRelays,
  },
  {
    name: 'no-memory',
    meaning: 'a service remembers one person: from_memory',
    env: { LOOKUP_MEMORY_RECORDS_MAX: '1' },
  },
  {
    name: 'large-memory',
    meaning: 'a service remembers everybody, but at "full": from_redis',
    env: { LOOKUP_MEMORY_RECORDS_MAX: '8300000' },
  },
  {
    name: 'locked-photos',
    meaning: 'the table of photos is locked: photos_failed',
    begin: (rig) => locked(rig, 'photo'),
  },
  {
    name: 'dying-service',
    meaning:
      'a service is killed half a minute after it began, and nobody starts it again: processes',
    begin: dyingService,
  },
];

export const breakOnPurpose = async (broken: Broken, rig: Rig, plan: Plan) =>
  (await broken.begin?.(rig, plan)) ?? (async () => {});

async function connected({ postgres }: Rig): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: postgres.url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function slowSource(rig: Rig): Promise<() => Promise<void>> {
  const unlock = await locked(rig, 'person');
  await rig.redis.flushAll();
  return unlock;
}

async function locked(rig: Rig, table: 'person' | 'photo'): Promise<() => Promise<void>> {
  const client = await connected(rig);
  await client.query('begin');
  await client.query(`lock table ${table} in access exclusive mode`);
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}

const DIES_AFTER_MS = 30_000;

async function dyingService({ services }: Rig): Promise<() => Promise<void>> {
  const timer = setTimeout(() => {
    const [first] = services;
    if (first?.runs()) process.kill(first.pid, 'SIGKILL');
  }, DIES_AFTER_MS);
  return async () => clearTimeout(timer);
}

async function swapPhotos(rig: Rig): Promise<() => Promise<void>> {
  const client = await connected(rig);
  try {
    // The source itself would not take them.
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(conname) as name from pg_constraint
        where conrelid = 'photo'::regclass and contype = 'c'`,
    );
    for (const { name } of rows) await client.query(`alter table photo drop constraint ${name}`);
    await client.query(
      'update photo set (bytes, mime) = (select bytes, mime from photo order by id limit 1)',
    );
  } finally {
    await client.end();
  }
  return async () => {};
}

async function noRelays({ relays }: Rig): Promise<() => Promise<void>> {
  await Promise.all(relays.map((relay) => relay.kill9()));
  return () => Promise.all(relays.map((relay) => relay.start())).then(() => {});
}

const PAUSE_MS = 5_000;

async function pauseRelays({ relays }: Rig): Promise<() => Promise<void>> {
  let isPaused = false;
  const tell = (signal: NodeJS.Signals) => {
    for (const relay of relays) if (relay.runs()) process.kill(relay.pid, signal);
  };
  const timer = setInterval(() => {
    isPaused = !isPaused;
    tell(isPaused ? 'SIGSTOP' : 'SIGCONT');
  }, PAUSE_MS);
  return async () => {
    clearInterval(timer);
    tell('SIGCONT');
  };
}
