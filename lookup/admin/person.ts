import {
  type ColorName,
  colorName,
  colorOf,
  effectiveColor,
  idToUuid,
  type PhotoId,
  type Subject,
  uuidToId,
} from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { CommandError } from './output.ts';

/** A person as the source has them, with all that a command says of them. */
export interface Person {
  readonly subject: Subject;
  readonly version: string;
  /** RFC 3339; undefined for a person who is not erased. */
  readonly erasedAt: string | undefined;
  /** Their own; undefined once erased. */
  readonly color: ColorName | undefined;
  /** What is answered; undefined once erased, or when a floor is not known. */
  readonly effective: ColorName | undefined;
  readonly areas: readonly TiedArea[];
  readonly photo: PersonPhoto | undefined;
}

export interface TiedArea {
  readonly id: number;
  /** Null when there is no such area. */
  readonly name: string | null;
  readonly floor: ColorName | null;
}

export interface PersonPhoto {
  readonly id: PhotoId;
  /** Null while the source lacks its bytes. */
  readonly mime: string | null;
  readonly bytes: number | null;
}

/** Someone who has a color. */
export type LivingPerson = Person & { readonly color: ColorName };

const PERSON = `select person.version::text as version, person.color::text as color,
    to_char(person.erased_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as erased_at,
    person.photo_id::text as photo, photo.mime, octet_length(photo.bytes)::text as bytes,
    (select json_agg(json_build_object('id', tied.id, 'name', area.name, 'floor', area.floor) order by place)::text
      from unnest(person.areas) with ordinality as tied (id, place) left join area on area.id = tied.id) as areas
  from person left join photo on photo.id = person.photo_id where person.subject = $1::uuid`;

interface PersonRow {
  readonly version: string;
  readonly color: ColorName | null;
  readonly erased_at: string | null;
  readonly photo: string | null;
  readonly mime: string | null;
  readonly bytes: string | null;
  readonly areas: string | null;
}

/** @param lock holds off other writers until the transaction ends */
export async function findPerson(
  session: SqlSession,
  subject: Subject,
  options: { readonly lock: boolean },
): Promise<Person | undefined> {
  const [row] = await session.query<PersonRow>(
    options.lock ? `${PERSON} for update of person` : PERSON,
    [idToUuid(subject)],
  );
  if (!row) return undefined;
  const areas = row.areas === null ? [] : (JSON.parse(row.areas) as TiedArea[]);
  return {
    subject,
    version: row.version,
    erasedAt: row.erased_at ?? undefined,
    color: row.color ?? undefined,
    effective: effectiveOf(row.color, areas),
    areas,
    photo:
      row.photo === null
        ? undefined
        : {
            id: uuidToId(row.photo),
            mime: row.mime,
            bytes: row.bytes === null ? null : Number(row.bytes),
          },
  };
}

function effectiveOf(own: ColorName | null, areas: readonly TiedArea[]): ColorName | undefined {
  const color = own === null ? undefined : colorOf(own);
  if (color === undefined) return undefined;
  const effective = effectiveColor(
    color,
    areas.map(({ floor }) => (floor === null ? undefined : colorOf(floor))),
  );
  return effective === undefined ? undefined : colorName(effective);
}

/**
 * For a command that is about to change them: nobody else does until the transaction ends.
 * @throws CommandError (2) when there is no such person, or they are erased
 */
export async function holdPerson(session: SqlSession, subject: Subject): Promise<LivingPerson> {
  const person = await findPerson(session, subject, { lock: true });
  if (!person) throw unknownPerson(subject);
  if (person.color === undefined)
    throw new CommandError(
      `${subject} was erased at ${person.erasedAt}: only an import brings them back`,
      2,
    );
  return { ...person, color: person.color };
}

export function unknownPerson(subject: Subject): CommandError {
  return new CommandError(`${subject}: there is no such person in the source`, 2);
}
