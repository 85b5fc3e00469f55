// What differs between the file and the source.

import type { ColorName } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import type { Stage } from './import-stage.ts';

/** What is to be done, counted. */
export interface Plan {
  /** People in the file. */
  readonly read: number;
  /** Not erased, in the source. */
  readonly people: number;
  /** The source had nobody yet. */
  readonly isFirstLoad: boolean;
  /** All that differ: rows 1 to `changes` of the plan's table. */
  readonly changes: number;
  readonly added: number;
  /** Erased before. */
  readonly revived: number;
  /** Of those who were there: */
  readonly ownColor: number;
  readonly areas: number;
  readonly photo: number;
  /** Of `photo`: they had one, and get none. */
  readonly photoLost: number;
  /** What they are answered, before and after, where that differs. */
  readonly moves: readonly { from: ColorName; to: ColorName; people: number }[];
}

/** @param read people in the file */
export async function makePlan(session: SqlSession, stage: Stage, read: number): Promise<Plan> {
  await stage.heavy(() => session.exec(planOf(stage)));
  const [floors] = await session.query<{ yellow: string; red: string }>(
    `select coalesce(array_agg(id) filter (where floor = 'yellow'), '{}')::text as yellow,
      coalesce(array_agg(id) filter (where floor = 'red'), '{}')::text as red from area`,
  );
  const [all] = await session.query<{ people: string; nobody: string }>(
    'select count(*) filter (where erased_at is null)::text as people, (count(*) = 0)::text as nobody from person',
  );
  const groups = await session.query<Group>(groupsOf(stage.planned), [
    floors?.red ?? '{}',
    floors?.yellow ?? '{}',
  ]);
  const sum = (name: Exclude<keyof Group, 'to' | 'from'>) =>
    groups.reduce((total, group) => total + Number(group[name]), 0);
  return {
    read,
    people: Number(all?.people),
    isFirstLoad: all?.nobody === 'true',
    changes: sum('people'),
    added: sum('added'),
    revived: sum('revived'),
    ownColor: sum('own_color'),
    areas: sum('areas'),
    photo: sum('photo'),
    photoLost: sum('photo_lost'),
    moves: groups.flatMap(({ from, to, people }) =>
      from !== null && from !== to ? [{ from, to, people: Number(people) }] : [],
    ),
  };
}

/** The order of somebody's areas says nothing. */
const planOf = ({ staged, planned }: Stage) => `
  create temporary table ${planned} as
    select row_number() over (order by subject) as n, subject, staged.color, staged.areas, staged.photo_id,
      person.subject is null as is_new, person.color as old_color, person.areas as old_areas,
      person.photo_id as old_photo
    from ${staged} staged left join person using (subject)
    where person.subject is null or staged.color is distinct from person.color
      or staged.photo_id is distinct from person.photo_id
      or not (staged.areas @> person.areas and staged.areas <@ person.areas);
  create index on ${planned} (n);
  analyze ${planned}`;

/** Counts, as decimal text, of those with one color before (null: nobody was answered) and one after. */
interface Group {
  readonly from: ColorName | null;
  readonly to: ColorName;
  readonly people: string;
  readonly added: string;
  readonly revived: string;
  readonly own_color: string;
  readonly areas: string;
  readonly photo: string;
  readonly photo_lost: string;
}

/** $1 areas with floor red, $2 with floor yellow: few, so that nobody's areas are looked up. */
function groupsOf(planned: string): string {
  const answered = (color: string, areas: string) => `greatest(${color}, case
    when ${areas} && $1::text::integer[] then 'red'::code_color
    when ${areas} && $2::text::integer[] then 'yellow'::code_color end)::text`;
  const count = (what: string) => `count(*) filter (where ${what})::text`;
  return `select case when old_color is not null then ${answered('old_color', 'old_areas')} end as from,
      ${answered('color', 'areas')} as to, count(*)::text as people,
      ${count('is_new')} as added, ${count('not is_new and old_color is null')} as revived,
      ${count('old_color <> color')} as own_color,
      ${count('old_color is not null and not (areas @> old_areas and areas <@ old_areas)')} as areas,
      ${count('old_color is not null and photo_id is distinct from old_photo')} as photo,
      ${count('old_photo is not null and photo_id is null')} as photo_lost
    from ${planned} group by 1, 2 order by 1, 2`;
}
