// What the page's buttons write: plain SQL, as any other writer of the source would.

import { randomInt } from 'node:crypto';
import type { ColorName, PhotoId, Subject } from '../health-code.ts';
import { idToUuid, uuidToId } from '../health-code.ts';
import type { SqlSession, SqlValue } from '../source/sql.ts';
import { demoAreas, demoPerson } from './people.ts';
import { drawPortrait } from './portrait.ts';
import { photoIdOf } from './seed.ts';

/** What a change leads to for one person, and when. */
export interface Change {
  /** From the statement's start to its acknowledged commit. */
  readonly commitMs: number;
  /** From then to the moment this was sent: the page adds it to what it measures itself. */
  readonly sinceCommitMs: number;
  /** What every reader has to show from now on. */
  readonly expected: { readonly color: ColorName; readonly photoId: PhotoId | undefined };
}

export interface PageState {
  readonly people: readonly {
    readonly person: number;
    readonly color: ColorName;
    readonly effective: ColorName;
    readonly areas: readonly number[];
    readonly photoId: PhotoId | undefined;
  }[];
  readonly areas: readonly {
    readonly id: number;
    readonly en: string;
    readonly zh: string;
    readonly floor: ColorName;
    readonly people: number;
  }[];
}

export interface Operator {
  /** @param count how many people, from the first on; erased ones are left out */
  state(count: number): Promise<PageState>;
  photo(id: PhotoId): Promise<{ mime: string; bytes: Uint8Array } | undefined>;
  recolorPerson(subject: Subject, color: ColorName): Promise<Change>;
  /** @param subject whose expectation is told */
  recolorArea(subject: Subject, area: number, color: ColorName): Promise<Change>;
  replacePhoto(subject: Subject): Promise<Change>;
}

interface PersonRow {
  readonly subject: string;
  readonly color: ColorName;
  readonly effective: ColorName;
  readonly areas: string;
  readonly photo: string | null;
}

const PEOPLE = `select subject::text as subject, color::text as color, array_to_string(areas, ',') as areas,
    photo_id::text as photo,
    greatest(color, (select max(floor) from area where area.id = any(person.areas)))::text as effective
  from person where subject = any($1::uuid[]) and color is not null`;

export function operator(session: SqlSession): Operator {
  const peopleBy = (subjects: readonly Subject[]) =>
    session.query<PersonRow>(PEOPLE, [subjects.map(idToUuid)]);

  async function write(subject: Subject, sql: string, values: SqlValue[]): Promise<Change> {
    const start = performance.now();
    await session.query(sql, values);
    const committed = performance.now();
    const [row] = await peopleBy([subject]);
    if (!row) throw new Error('this person is no longer there');
    return {
      commitMs: committed - start,
      sinceCommitMs: performance.now() - committed,
      expected: { color: row.effective, photoId: row.photo ? uuidToId(row.photo) : undefined },
    };
  }

  return {
    state: (count) => readState(session, peopleBy, count),
    photo: (id) => readPhoto(session, id),
    recolorPerson: (subject, color) =>
      write(subject, 'update person set color = $2::text::code_color where subject = $1::uuid', [
        idToUuid(subject),
        color,
      ]),
    recolorArea: (subject, area, color) =>
      write(subject, 'update area set floor = $2::text::code_color where id = $1::text::integer', [
        String(area),
        color,
      ]),
    replacePhoto(subject) {
      const bytes = drawPortrait(randomInt(1_000_000, 2 ** 31));
      return write(subject, REPLACE_PHOTO, [
        idToUuid(subject),
        idToUuid(photoIdOf(bytes)),
        bytes.toString('base64'),
      ]);
    },
  };
}

/** In one statement, so that nobody sees the new id without its bytes. */
const REPLACE_PHOTO = `with added as (
    insert into photo (id, mime, bytes) values ($2::uuid, 'image/png', decode($3::text, 'base64'))
    on conflict (id) do nothing)
  update person set photo_id = $2::uuid where subject = $1::uuid`;

async function readState(
  session: SqlSession,
  peopleBy: (subjects: readonly Subject[]) => Promise<PersonRow[]>,
  count: number,
): Promise<PageState> {
  const subjects = Array.from({ length: count }, (_, i) => demoPerson(i).subject);
  const people = (await peopleBy(subjects))
    .map((row) => ({
      person: subjects.indexOf(uuidToId(row.subject)),
      color: row.color,
      effective: row.effective,
      areas: row.areas === '' ? [] : row.areas.split(',').map(Number),
      photoId: row.photo ? uuidToId(row.photo) : undefined,
    }))
    .sort((a, b) => a.person - b.person);
  const floors = await session.query<{ id: string; floor: ColorName; people: string }>(
    `select area.id::text as id, area.floor::text as floor, count(tied.id)::text as people
      from area left join (select unnest(areas) as id from person) as tied on tied.id = area.id
      group by area.id, area.floor`,
  );
  const areas = demoAreas().map((area) => {
    const row = floors.find(({ id }) => Number(id) === area.id);
    return { ...area, floor: row?.floor ?? 'green', people: Number(row?.people ?? 0) };
  });
  return { people, areas };
}

async function readPhoto(session: SqlSession, id: PhotoId) {
  const [row] = await session.query<{ mime: string; bytes: string }>(
    `select mime, encode(bytes, 'base64') as bytes from photo where id = $1::uuid`,
    [idToUuid(id)],
  );
  return row && { mime: row.mime, bytes: Buffer.from(row.bytes, 'base64') };
}
