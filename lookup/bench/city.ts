// The people of a run as rows of a source: one or two areas each, and a photo.

import type { Color } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { AREAS, photoUuidOf, uuidOf } from './population.ts';

/** Where the first people live; all others live in one of `AREAS`. */
export const DISTRICT = AREAS + 1;
/** Where the first few live too. */
export const BLOCK = AREAS + 2;
export const BLOCK_PEOPLE = 1_000;

export interface City {
  readonly people: number;
  readonly districtPeople: number;
}

/** Their own one, while nobody has changed it. */
export const ownColorOf = (n: number): Color => (n % 100 < 97 ? 1 : n % 100 < 99 ? 2 : 3);

const NAMES = ['', 'green', 'yellow', 'red'] as const;
export const nameOf = (color: Color) => NAMES[color];

function areasOf(n: number, { districtPeople }: City): string {
  const other = 1 + (n % AREAS);
  if (n < BLOCK_PEOPLE) return `{${DISTRICT},${BLOCK}}`;
  if (n >= districtPeople)
    return n % 2 === 0 ? `{${other}}` : `{${other},${1 + ((n * 7) % AREAS)}}`;
  return n % 2 === 0 ? `{${DISTRICT}}` : `{${DISTRICT},${other}}`;
}

export async function makeAreas(session: SqlSession): Promise<void> {
  await session.query(
    `insert into area (id, name) select id, 'made' from generate_series(1, $1::integer) as id`,
    [BLOCK],
  );
}

/** As a first load: one mark on the feed. */
export async function makePeople(session: SqlSession, city: City): Promise<void> {
  async function* rows() {
    for (let n = 0; n < city.people; n++) {
      const color = nameOf(ownColorOf(n));
      yield [uuidOf(n), color, areasOf(n, city), photoUuidOf(n)];
    }
  }
  await session.transaction(async () => {
    await session.query('select lookup_begin_first_load()');
    await session.copyIn('person', ['subject', 'color', 'areas', 'photo_id'], rows());
  });
  await session.exec('analyze person');
}

/** One person's own color, as any SQL writer would. @returns when it was committed */
export async function recolor(session: SqlSession, n: number, color: Color): Promise<void> {
  await session.query('update person set color = $2::code_color where subject = $1::uuid', [
    uuidOf(n),
    nameOf(color),
  ]);
}

export async function recolorArea(session: SqlSession, area: number, floor: Color): Promise<void> {
  await session.query('update area set floor = $2::code_color where id = $1::integer', [
    area,
    nameOf(floor),
  ]);
}

const anyOf = (count: number) => Math.floor(Math.random() * count);

/** One of those whose color a run changes one at a time. */
export const anyChanging = (people: number) => 10 * anyOf(people / 10);

/** One of the others: green, and nobody's to change until all are changed. */
export const anyQuiet = (people: number) =>
  100 * anyOf(people / 100) + 10 * anyOf(9) + 1 + anyOf(9);
