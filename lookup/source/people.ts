import { type PersonRecord, type SourceMs, type Tombstone, uuidToId } from '../health-code.ts';
import type { Sql, Statement } from './sql.ts';
import { parseAreas, requireColor } from './sql-rows.ts';

/** A stretch of all people, in the order of their subjects, as one statement saw them. */
export interface PeoplePage {
  readonly asOf: SourceMs;
  readonly epoch: string;
  readonly people: readonly ((PersonRecord | Tombstone) & { readonly xid: number })[];
  /** Where the next one begins; undefined: these were the last. */
  readonly next: string | undefined;
}

// By the column, in its index: a bare "subject" would name the text beside it, and every page would sort all people.
export const PAGE: Statement = {
  name: 'people-page',
  text: `select subject::text as subject, version::text as version, xid::text as xid, color::text as color,
      array_to_string(areas, ',') as areas, photo_id::text as photo
    from person where subject > $1::uuid order by person.subject limit $2::integer`,
};
const NOW: Statement = {
  name: 'people-now',
  text: `select floor(extract(epoch from now()) * 1000)::text as as_of, lookup_source_epoch() as epoch`,
};

/** Below every subject: nobody is all zeros. */
export const FIRST_PAGE = '00000000-0000-0000-0000-000000000000';

interface PersonRow {
  subject: string;
  version: string;
  xid: string;
  color: string | null;
  areas: string;
  photo: string | null;
}

/**
 * Reads one page. The time is taken before, so that it is no later than what the page shows.
 * @param after a subject as uuid, or FIRST_PAGE
 */
export async function readPeople(sql: Sql, after: string, limit: number): Promise<PeoplePage> {
  const [now] = await sql.query<{ as_of: string; epoch: string }>(NOW, []);
  if (!now) throw new Error('the source did not say what time it is');
  const rows = await sql.query<PersonRow>(PAGE, [after, limit]);
  const people = rows.map((row) => {
    const subject = uuidToId(row.subject);
    const [version, xid] = [Number(row.version), Number(row.xid)];
    if (row.color === null) return { subject, version, erased: true as const, xid };
    const photo = row.photo === null ? undefined : uuidToId(row.photo);
    const color = requireColor(row.color);
    return { subject, version, color, areas: parseAreas(row.areas), photo, xid };
  });
  const next = rows.length < limit ? undefined : rows.at(-1)?.subject;
  return { asOf: Number(now.as_of), epoch: now.epoch, people, next };
}
