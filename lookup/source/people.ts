import { type PersonRecord, type SourceMs, type Tombstone, uuidToId } from '../health-code.ts';
import type { Sql, Statement } from './sql.ts';
import { parseAreas, requireColor } from './sql-rows.ts';

/** A stretch of all people, in the order of their subjects, as one statement saw them. */
export interface PeoplePage {
  readonly asOf: SourceMs;
  readonly epoch: string;
  /** Those of the tokens asked about that are of its history. */
  readonly tokens: readonly string[];
  readonly people: readonly ((PersonRecord | Tombstone) & { readonly xid: number })[];
  /** Where the next one begins; undefined: these were the last. */
  readonly next: string | undefined;
}

// By the column, in its index: a bare "subject" would name the text beside it, and every page would sort all people.
export const PAGE: Statement = {
  name: 'people-page',
  text: `
select json_build_object('now', floor(extract(epoch from now()) * 1000), 'recovery', pg_is_in_recovery(),
    'epoch', case when pg_is_in_recovery() then '' else lookup_source_epoch() end,
    'tokens', (select json_agg(token) from history_token where token = any ($3::uuid[])))::text as head,
  null as subject, null as version, null as xid, null as color, null as areas, null as photo
union all
(select null, subject::text, version::text, xid::text, color::text, array_to_string(areas, ','), photo_id::text
  from person where subject > $1::uuid order by person.subject limit $2::integer)`,
};

/** Below every subject: nobody is all zeros. */
export const FIRST_PAGE = '00000000-0000-0000-0000-000000000000';

interface Head {
  readonly now: SourceMs;
  readonly recovery: boolean;
  readonly epoch: string;
  readonly tokens: readonly string[] | null;
}

interface PersonRow {
  head: null;
  subject: string;
  version: string;
  xid: string;
  color: string | null;
  areas: string;
  photo: string | null;
}

/**
 * Reads one page.
 * @param after a subject as uuid, or FIRST_PAGE
 * @param tokens of a history that is asked about
 * @throws also for a standby, whose time is later than what it shows
 */
export async function readPeople(
  sql: Sql,
  after: string,
  limit: number,
  tokens: readonly string[] = [],
  signal?: AbortSignal,
): Promise<PeoplePage> {
  const values = [after, limit, tokens];
  const [first, ...rows] = await sql.query<PersonRow | { head: string }>(PAGE, values, signal);
  if (!first?.head) throw new Error('the source did not say what time it is');
  const head = JSON.parse(first.head) as Head;
  if (head.recovery) throw new Error('the source is a standby: people are read from the primary');
  const people = (rows as PersonRow[]).map(toPerson);
  const next = rows.length < limit ? undefined : (rows.at(-1) as PersonRow | undefined)?.subject;
  return { asOf: head.now, epoch: head.epoch, tokens: head.tokens ?? [], people, next };
}

function toPerson(row: PersonRow): PeoplePage['people'][number] {
  const subject = uuidToId(row.subject);
  const [version, xid] = [Number(row.version), Number(row.xid)];
  if (row.color === null) return { subject, version, erased: true, xid };
  const photo = row.photo === null ? undefined : uuidToId(row.photo);
  const color = requireColor(row.color);
  return { subject, version, color, areas: parseAreas(row.areas), photo, xid };
}
