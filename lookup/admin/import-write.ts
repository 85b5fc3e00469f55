// The changes themselves, from the plan's table into person.

import { setTimeout as pause } from 'node:timers/promises';
import type { SqlSession } from '../source/sql.ts';
import { CommandError } from './output.ts';

export interface WriteOptions {
  /** Table of the plan, its rows numbered from 1 to `changes`. */
  readonly planned: string;
  readonly changes: number;
  /** Ends it between two statements. */
  readonly signal: AbortSignal;
  /** @param done people so far */
  readonly onDone: (done: number) => void;
}

/** One statement of the first load: what its triggers hold at once, and how long it cannot be stopped. */
const FIRST_LOAD_ROWS = 50_000;

/**
 * Everybody in one transaction, with one mark on the feed.
 * @throws CommandError (1) when somebody else was faster: then the table is not empty
 */
export async function writeFirstLoad(session: SqlSession, options: WriteOptions): Promise<void> {
  const { planned, changes, signal, onDone } = options;
  await session.transaction(async () => {
    await session.query('select lookup_begin_first_load()').catch((error) => {
      if ((error as { code?: string }).code !== NOT_EMPTY) throw error;
      throw new CommandError(
        'somebody else has added people meanwhile: nothing was changed; run it again',
        1,
      );
    });
    for (let done = 0; done < changes; done += FIRST_LOAD_ROWS) {
      signal.throwIfAborted();
      await session.query(
        `insert into person (subject, color, areas, photo_id)
          select subject, color, areas, photo_id from ${planned} where n > $1::bigint and n <= $2::bigint order by n`,
        [done, done + FIRST_LOAD_ROWS],
      );
      onDone(Math.min(done + FIRST_LOAD_ROWS, changes));
    }
    signal.throwIfAborted();
  });
}

const NOT_EMPTY = '55000';

export interface PacedOptions extends WriteOptions {
  /** People a second, at most. */
  readonly ratePerS: number;
  /** Brings erased people back. */
  readonly revive: boolean;
}

/** A commit is a tenth of a second's people, and never more than a process takes in at once without a pause. */
const CHUNKS_PER_S = 10;
const CHUNK_ROWS_MAX = 5_000;

/**
 * Ordinary changes, a commit a chunk, no faster than the rate.
 * @returns how many were erased by somebody else meanwhile, and so left alone
 */
export async function writePaced(session: SqlSession, options: PacedOptions): Promise<number> {
  const { planned, changes, signal, onDone, ratePerS, revive } = options;
  const rows = Math.min(Math.max(Math.ceil(ratePerS / CHUNKS_PER_S), 1), CHUNK_ROWS_MAX);
  let nextMs = performance.now();
  let left = 0;
  for (let done = 0; done < changes; ) {
    const earlyMs = nextMs - performance.now();
    if (earlyMs > 0) await pause(earlyMs, undefined, { signal }).catch(() => {});
    signal.throwIfAborted();
    const upTo = Math.min(done + rows, changes);
    // A slow chunk is not made up for by a burst.
    nextMs = Math.max(nextMs, performance.now()) + (1_000 * (upTo - done)) / ratePerS;
    const [written] = await session.query<{ n: string }>(
      `with written as (
        insert into person (subject, color, areas, photo_id)
          select subject, color, areas, photo_id from ${planned} where n > $1::bigint and n <= $2::bigint order by n
        on conflict (subject) do update set color = excluded.color, areas = excluded.areas,
          photo_id = excluded.photo_id, erased_at = null
          where person.erased_at is null or $3::boolean
        returning 1)
      select count(*)::text as n from written`,
      [done, upTo, revive],
    );
    left += upTo - done - Number(written?.n);
    done = upTo;
    onDone(done);
  }
  return left;
}
