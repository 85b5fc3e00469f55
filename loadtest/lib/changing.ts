// Makes the changes of a schedule in the source, each at its time, as any writer does: plain SQL, a commit each.

import pg from 'pg';
import { type Change, changesOf, type Schedule } from './changes.ts';
import { colorAt, subjectAt } from './population.ts';

export interface ChangingOptions {
  /** Of the source. */
  readonly url: string;
  readonly schedule: Schedule;
  /** Ends it before its time. */
  readonly signal: AbortSignal;
}

export interface Changed {
  readonly made: number;
  /** By how much the latest of them was committed after its time: more than the schedule's `lateMs` spoils the run. */
  readonly lateMaxMs: number;
}

interface Due {
  readonly atMs: number;
  readonly sql: string;
  readonly values: readonly (string | number | null)[];
}

const COLORS = ['', 'green', 'yellow', 'red'];
const uuidOf = (id: string) => Buffer.from(id, 'base64url').toString('hex');

/** @throws when the source does not answer, or lacks somebody: it was loaded with other people */
export async function makeChanges({ url, schedule, signal }: ChangingOptions): Promise<Changed> {
  const client = new pg.Client({ connectionString: url, application_name: 'loadtest-changes' });
  client.on('error', () => {});
  await client.connect();
  let [made, lateMaxMs] = [0, 0];
  try {
    for (const { atMs, sql, values } of duesOf(schedule)) {
      if (!(await reached(atMs, signal))) break;
      const { rowCount } = await client.query(sql, [...values]);
      if (rowCount !== 1) throw new Error(`nobody was changed by ${sql} (${values.join(', ')})`);
      lateMaxMs = Math.max(lateMaxMs, Date.now() - atMs);
      made++;
    }
  } finally {
    await client.end().catch(() => {});
  }
  return { made, lateMaxMs };
}

/** All of a schedule, in the order of time. */
function duesOf(schedule: Schedule): Due[] {
  const { seed, district, hot, seconds } = schedule;
  const changes = changesOf(schedule);
  const toDue = ({ atMs, index, color, photo }: Change): Due => ({
    atMs,
    sql: `update person set color = coalesce($2::text::code_color, color), photo_id = coalesce($3::uuid, photo_id)
      where subject = $1::uuid`,
    values: [
      uuidOf(subjectAt(index, seed)),
      color === undefined ? null : (COLORS[color] as string),
      photo === undefined ? null : uuidOf(photo),
    ],
  });
  const floor = (atMs: number, color: string): Due => ({
    atMs,
    sql: 'update area set floor = $2::text::code_color where id = $1::integer',
    values: [district, color],
  });
  const dues = [
    ...Array.from({ length: changes.count }, (_, k) => toDue(changes.changeAt(k))),
    ...(hot < 0
      ? []
      : Array.from({ length: Math.ceil(seconds) }, (_, k) => toDue(changes.hotAt(k)))),
    ...(district === 0 ? [] : [floor(changes.redFromMs, 'red'), floor(changes.redToMs, 'green')]),
  ];
  return dues.sort((a, b) => a.atMs - b.atMs);
}

/** @returns false when it was ended before */
async function reached(atMs: number, signal: AbortSignal): Promise<boolean> {
  const waitMs = atMs - Date.now();
  if (waitMs > 0)
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal.addEventListener('abort', done);
    });
  return !signal.aborted;
}

/** Puts back what a schedule changed, so that the next run finds the people of the formula. */
export async function undoChanges(url: string, schedule: Schedule, photoIdAt: PhotoIdAt) {
  const { seed, district, hot } = schedule;
  const changes = changesOf(schedule);
  const indexes = Array.from({ length: changes.count }, (_, k) => changes.changeAt(k).index);
  if (hot >= 0) indexes.push(hot);
  const client = new pg.Client({ connectionString: url, application_name: 'loadtest-changes' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(
      `update person set color = was.color::code_color, photo_id = was.photo
        from unnest($1::uuid[], $2::text[], $3::uuid[]) was (subject, color, photo)
        where person.subject = was.subject`,
      [
        indexes.map((index) => uuidOf(subjectAt(index, seed))),
        indexes.map((index) => COLORS[colorAt(index, seed)]),
        indexes.map((index) => uuidOf(photoIdAt(index, seed))),
      ],
    );
    if (district > 0)
      await client.query(`update area set floor = 'green' where id = $1`, [district]);
  } finally {
    await client.end().catch(() => {});
  }
}

type PhotoIdAt = (index: number, seed: number) => string;
