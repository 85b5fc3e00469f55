// What the source says of people, and so what everybody else should: the person, and the color that is answered, by
// the floors that the same statement saw.

import {
  type Color,
  colorOf,
  effectiveColor,
  idToUuid,
  type PersonRecord,
  type SourceMs,
  type Subject,
  type Tombstone,
  uuidToId,
} from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { parseAreas, requireColor } from '../source/sql-rows.ts';

export interface Expected {
  readonly subject: Subject;
  /** No later than what was seen. */
  readonly asOf: SourceMs;
  readonly epoch: string;
  /** undefined: there is no such person */
  readonly person: PersonRecord | Tombstone | undefined;
  /** What is answered; undefined when nobody is there, they are erased, or a floor is not known. */
  readonly effective: Color | undefined;
  /** Versions of these floors: one that changed and changed back has another. */
  readonly floorVersions: string;
}

// The sub-select that stands alone is run once, not for each row.
const COLUMNS = `floor(extract(epoch from now()) * 1000)::text as as_of, (select lookup_source_epoch()) as epoch,
  person.version::text as version, person.color::text as color, array_to_string(person.areas, ',') as areas,
  person.photo_id::text as photo,
  (select string_agg(coalesce(area.floor::text, ''), ',') || ';' || string_agg(coalesce(area.version::text, ''), ',')
    from unnest(person.areas) as tied (id) left join area on area.id = tied.id) as floors`;

const PAGE = `select person.subject::text as subject, ${COLUMNS} from person
  where person.subject > $1::uuid order by person.subject limit $2::integer`;

const OF = `select asked.subject::text as subject, ${COLUMNS} from unnest($1::uuid[]) as asked (subject)
  left join person on person.subject = asked.subject`;

interface ExpectedRow {
  readonly subject: string;
  readonly as_of: string;
  readonly epoch: string;
  readonly version: string | null;
  readonly color: string | null;
  readonly areas: string | null;
  readonly photo: string | null;
  /** names, then versions, '' where there is no such area; null: no areas */
  readonly floors: string | null;
}

/**
 * A stretch of all people, in the order of their subjects.
 * @param after as uuid
 * @returns fewer than `limit`: these were the last
 */
export async function readExpectedAfter(
  session: SqlSession,
  after: string,
  limit: number,
): Promise<Expected[]> {
  return (await session.query<ExpectedRow>(PAGE, [after, limit])).map(toExpected);
}

/** In the same order, those who are not there too. */
export async function readExpected(
  session: SqlSession,
  subjects: readonly Subject[],
): Promise<Expected[]> {
  const rows = await session.query<ExpectedRow>(OF, [subjects.map(idToUuid)]);
  const bySubject = new Map(rows.map((row) => [uuidToId(row.subject), toExpected(row)]));
  return subjects.flatMap((subject) => bySubject.get(subject) ?? []);
}

function toExpected(row: ExpectedRow): Expected {
  const subject = uuidToId(row.subject);
  const asked = { subject, asOf: Number(row.as_of), epoch: row.epoch };
  const none = { effective: undefined, floorVersions: '' };
  if (row.version === null) return { ...asked, ...none, person: undefined };
  const version = Number(row.version);
  if (row.color === null) return { ...asked, ...none, person: { subject, version, erased: true } };
  const color = requireColor(row.color);
  const [floors, floorVersions = ''] = row.floors?.split(';') ?? [];
  const photo = row.photo === null ? undefined : uuidToId(row.photo);
  return {
    ...asked,
    person: { subject, version, color, areas: parseAreas(row.areas), photo },
    effective: effectiveColor(color, floors?.split(',').map(colorOf) ?? []),
    floorVersions,
  };
}

/** @returns those whom the source does not have, erased or not */
export async function readUnknown(
  session: SqlSession,
  subjects: readonly Subject[],
): Promise<Subject[]> {
  const rows = await session.query<{ subject: string }>(
    `select asked.subject::text as subject from unnest($1::uuid[]) as asked (subject)
      where not exists (select from person where person.subject = asked.subject)`,
    [subjects.map(idToUuid)],
  );
  return rows.map(({ subject }) => uuidToId(subject));
}
