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
    meaning: 'nobody is refused at the door: goodput, in the scenario "overload"',
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
];

export const breakOnPurpose = async (broken: Broken, rig: Rig, plan: Plan) =>
  (await broken.begin?.(rig, plan)) ?? (async () => {});

async function slowSource(rig: Rig): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: rig.postgres.url });
  client.on('error', () => {});
  await client.connect();
  await client.query('begin');
  await client.query('lock table person in access exclusive mode');
  await rig.redis.flushAll();
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}
