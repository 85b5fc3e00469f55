import type { Area, ColorName } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { sayChange } from './change.ts';
import { ASK_ABOVE_SHARE, confirm, grouped, shareOf } from './confirm.ts';
import { CommandError, type Output } from './output.ts';
import type { WaitFor } from './wait.ts';

export interface SetAreaOptions {
  readonly area: Area;
  readonly color: ColorName;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly wait?: WaitFor | undefined;
}

/** Whom a new floor would touch. */
interface Reach {
  readonly name: string;
  readonly floor: ColorName;
  /** All who are not erased. */
  readonly people: number;
  /** Those of this area. */
  readonly tied: number;
  /** Of those, by what they are answered before and after: only where that differs. */
  readonly moves: readonly { from: ColorName; to: ColorName; people: number }[];
}

/** `lookup set-area AREA COLOR`: the least color of everyone tied to an area. Says first how many change. */
export async function setArea(
  session: SqlSession,
  { area, color, yes, dryRun, wait }: SetAreaOptions,
  output: Output,
): Promise<void> {
  const reach = await readReach(session, area, color);
  const changing = reach.moves.reduce((sum, { people }) => sum + people, 0);
  for (const line of reachLines(area, color, reach, changing)) output.note(line);
  const value = {
    area,
    name: reach.name,
    floor: { before: reach.floor, after: color },
    people: reach.people,
    tied: reach.tied,
    changing,
    moves: reach.moves,
  };
  if (dryRun) {
    output.line(`${grouped(changing)} would change color; nothing was changed`);
    output.json({ ...value, changed: false, dry_run: true });
    return;
  }
  if (changing > ASK_ABOVE_SHARE * reach.people)
    await confirm(output, `Change the color of ${grouped(changing)} people?`, { yes });
  await writeFloor(session, area, color, reach.floor);
  await sayChange(session, output, {
    changed: reach.floor !== color,
    text:
      reach.floor === color
        ? `area ${area} ${reach.name}: floor is ${color} already`
        : `area ${area} ${reach.name}: floor ${reach.floor} -> ${color}; ${grouped(changing)} change color`,
    value,
    undo: `npx lookup set-area ${area} ${reach.floor}`,
    wait,
  });
}

/** @throws CommandError (1) when somebody else set it since it was counted whom this touches */
async function writeFloor(
  session: SqlSession,
  area: Area,
  color: ColorName,
  counted: ColorName,
): Promise<void> {
  await session.transaction(async () => {
    const [row] = await session.query<{ floor: ColorName }>(
      'select floor::text as floor from area where id = $1::integer for update',
      [area],
    );
    if (row?.floor !== counted)
      throw new CommandError(
        `area ${area} was set to ${row?.floor} by somebody else meanwhile: nothing was changed; look again`,
        1,
      );
    await session.query('update area set floor = $2::text::code_color where id = $1::integer', [
      area,
      color,
    ]);
  });
}

const MOVES = `with tied as (
    select greatest(person.color, (select max(floor) from area where id = any(person.areas) and id <> $1::integer))
      as besides
    from person where $1::integer = any(person.areas) and erased_at is null)
  select greatest(besides, $2::text::code_color)::text as from, greatest(besides, $3::text::code_color)::text as to,
    count(*)::text as people
  from tied group by 1, 2 order by 1, 2`;

/** @throws CommandError (2) when there is no such area */
async function readReach(session: SqlSession, area: Area, color: ColorName): Promise<Reach> {
  const [row] = await session.query<{ name: string; floor: ColorName }>(
    'select name, floor::text as floor from area where id = $1::integer',
    [area],
  );
  if (!row) throw new CommandError(`${area}: there is no such area in the source`, 2);
  const [all] = await session.query<{ people: string }>(
    'select count(*)::text as people from person where erased_at is null',
  );
  const groups = await session.query<{ from: ColorName; to: ColorName; people: string }>(MOVES, [
    area,
    row.floor,
    color,
  ]);
  const counted = groups.map(({ from, to, people }) => ({ from, to, people: Number(people) }));
  return {
    ...row,
    people: Number(all?.people),
    tied: counted.reduce((sum, { people }) => sum + people, 0),
    moves: counted.filter(({ from, to }) => from !== to),
  };
}

function reachLines(area: Area, color: ColorName, reach: Reach, changing: number): string[] {
  const { name, floor, people, tied, moves } = reach;
  return [
    `area ${area} ${name}, floor ${floor}, has ${grouped(tied)} of ${grouped(people)} people.`,
    `With floor ${color}, ${grouped(changing)} of them (${shareOf(changing, people)} of all) change color${
      changing === 0 ? '.' : ':'
    }`,
    ...moves.map(({ from, to, people }) => `  ${from} -> ${to}: ${grouped(people)}`),
  ];
}
