// Made people, from their number alone: whoever knows the number knows who it is, without asking the source.

import { createHash } from 'node:crypto';
import pg from 'pg';

export const AREAS = 16;
/** Photos are shared out among all: what counts is how many different ones are asked for, and their size. */
export const PHOTOS = 64;
const PHOTO_BYTES = 20_000;
/** People in one statement: what its triggers hold at once. */
const CHUNK = 50_000;

const digestOf = (n: number) => createHash('md5').update(`made person ${n} of the rig`).digest();

/** @param n from 0 @returns 22 characters of base64url */
export const subjectOf = (n: number): string => digestOf(n).toString('base64url');

/** The first is green in two areas, and has a photo; of the others 97 in a hundred are green, 2 yellow, 1 red. */
const PEOPLE = `
  insert into person (subject, color, areas, photo_id)
  select md5('made person ' || n || ' of the rig')::uuid,
    (case when n % 100 < 97 then 'green' when n % 100 < 99 then 'yellow' else 'red' end)::code_color,
    case when n % 3 = 0 then array[1 + n % ${AREAS}, 1 + (n + 1 + n / ${AREAS} % ${AREAS - 1}) % ${AREAS}]
      else array[1 + n % ${AREAS}] end,
    ($3::uuid[])[1 + n % ${PHOTOS}]
  from generate_series($1::integer, $2::integer) n`;

/** The first bytes are those of a PNG, which is all that the source looks at. */
const PHOTOS_MADE = `
  insert into photo (id, mime, bytes)
  select encode(substring(sha256(bytes) for 16), 'hex')::uuid, 'image/png', bytes from (
    select '\\x89504e470d0a1a0a'::bytea || string_agg(sha256(convert_to(n || '/' || i, 'UTF8')), ''::bytea) as bytes
    from generate_series(1, ${PHOTOS}) n, generate_series(1, ${Math.floor(PHOTO_BYTES / 32)}) i group by n
  ) made returning id`;

export interface SeedOptions {
  readonly url: string;
  readonly people: number;
  /** @param done people so far */
  readonly onDone?: (done: number) => void;
}

/** Areas, photos and people into a migrated source that has nobody yet, in one transaction. */
export async function seed({ url, people, onDone }: SeedOptions): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'rig-seed' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('begin');
    await client.query(
      `insert into area (id, name) select n, 'made area ' || n from generate_series(1, ${AREAS}) n`,
    );
    const { rows } = await client.query<{ id: string }>(PHOTOS_MADE);
    const photos = rows.map(({ id }) => id);
    await client.query('select lookup_begin_first_load()');
    for (let done = 0; done < people; done += CHUNK) {
      const next = Math.min(done + CHUNK, people);
      await client.query(PEOPLE, [done, next - 1, photos]);
      onDone?.(next);
    }
    await client.query('commit');
    await client.query('analyze person');
  } finally {
    await client.end().catch(() => {});
  }
}
