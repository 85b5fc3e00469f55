// lookup import-areas FILE: areas and their floors from a file, all of them or none, in one transaction. Areas are
// hundreds, so they are held here; whom their floors touch is counted in the source.

import type { Area, ColorName } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { sayChange } from './change.ts';
import { ASK_ABOVE_SHARE, confirm, grouped, shareOf } from './confirm.ts';
import { type AreaRow, readAreas } from './import-area-rows.ts';
import { Faults } from './import-faults.ts';
import { type ImportFileOptions, openImportFile } from './import-file.ts';
import { writeAreasUndo } from './import-undo.ts';
import { CommandError, type Output } from './output.ts';
import type { WaitFor } from './wait.ts';

export interface ImportAreasOptions extends ImportFileOptions {
  /** So many errors are told with their places; see ERRORS_MAX. */
  readonly errorsMax: number;
  readonly yes: boolean;
  readonly dryRun: boolean;
  /** Where the areas that change go, as they were: a file that is not there yet; see undoFileName. */
  readonly undoFile: string;
  /** Ends it at the next point where that is sound; its reason is thrown: nothing was changed then. */
  readonly signal: AbortSignal;
  readonly wait?: WaitFor | undefined;
}

/** @throws CommandError (2) when the file is wrong, having said where; (3) not confirmed; (1) see writeAreas */
export async function importAreas(
  session: SqlSession,
  options: ImportAreasOptions,
  output: Output,
): Promise<void> {
  const { signal, yes, dryRun, undoFile } = options;
  signal.throwIfAborted();
  const file = await openImportFile(options);
  const faults = new Faults(options.errorsMax);
  const rows = await readAreas(file, faults, signal).finally(() => file.stream.destroy());
  faults.report(output, file.name);
  const before = await readSourceAreas(session);
  const plan = planOf(rows, before);
  const reach = await readReach(session, plan, before);
  for (const line of planLines(file.name, rows.length, plan, reach)) output.note(line);
  const value = {
    file: file.name,
    read: rows.length,
    added: plan.added.length,
    floors: plan.floors.length,
    names: plan.names.length,
    ...reach,
  };
  const changes = [...plan.added, ...plan.changed];
  if (dryRun) {
    output.line(`${grouped(changes.length)} areas would be written; nothing was changed`);
    output.json({ ...value, changed: false, dry_run: true });
    return;
  }
  if (reach.changing > ASK_ABOVE_SHARE * reach.people)
    await confirm(output, `Change the color of ${grouped(reach.changing)} people?`, { yes });
  signal.throwIfAborted();
  const undo = await writeAreasUndo(
    undoFile,
    plan.changed.map(({ id }) => before.get(id) as AreaRow),
  );
  await writeAreas(session, changes, before);
  await sayChange(session, output, {
    changed: changes.length > 0,
    text:
      changes.length === 0
        ? `${file.name}: all ${grouped(rows.length)} areas are as they were`
        : `${file.name}: ${grouped(plan.added.length)} new, ${grouped(plan.changed.length)} changed, ` +
          `${grouped(rows.length - changes.length)} as they were`,
    value,
    undo,
    wait: options.wait,
  });
}

interface AreasPlan {
  readonly added: readonly AreaRow[];
  /** In name, floor or both. */
  readonly changed: readonly AreaRow[];
  readonly floors: readonly AreaRow[];
  readonly names: readonly AreaRow[];
}

function planOf(rows: readonly AreaRow[], before: ReadonlyMap<Area, AreaRow>): AreasPlan {
  const differing = (what: 'floor' | 'name') => (row: AreaRow) =>
    before.has(row.id) && before.get(row.id)?.[what] !== row[what];
  const [floors, names] = [rows.filter(differing('floor')), rows.filter(differing('name'))];
  const changed = new Set([...floors, ...names]);
  return {
    added: rows.filter(({ id }) => !before.has(id)),
    changed: rows.filter((row) => changed.has(row)),
    floors,
    names,
  };
}

async function readSourceAreas(session: SqlSession, lock = ''): Promise<Map<Area, AreaRow>> {
  const rows = await session.query<{ id: string; name: string; floor: ColorName }>(
    `select id::text as id, name, floor::text as floor from area order by area.id ${lock}`,
  );
  return new Map(rows.map(({ id, ...row }) => [Number(id), { id: Number(id), ...row }]));
}

interface Reach {
  /** Not erased. */
  readonly people: number;
  readonly changing: number;
  readonly moves: readonly { from: ColorName; to: ColorName; people: number }[];
}

/** Nobody is of an area that is not there yet. */
async function readReach(
  session: SqlSession,
  { floors }: AreasPlan,
  before: ReadonlyMap<Area, AreaRow>,
): Promise<Reach> {
  const after = new Map([...before, ...floors.map((row) => [row.id, row] as const)]);
  const withFloor = (areas: ReadonlyMap<Area, AreaRow>, floor: ColorName) =>
    [...areas.values()].filter((area) => area.floor === floor).map(({ id }) => id);
  const [all] = await session.query<{ people: string }>(
    'select count(*)::text as people from person where erased_at is null',
  );
  const groups =
    floors.length === 0
      ? []
      : await session.query<{ from: ColorName; to: ColorName; people: string }>(MOVES, [
          floors.map(({ id }) => id),
          withFloor(before, 'red'),
          withFloor(before, 'yellow'),
          withFloor(after, 'red'),
          withFloor(after, 'yellow'),
        ]);
  const moves = groups
    .filter(({ from, to }) => from !== to)
    .map((move) => ({ ...move, people: Number(move.people) }));
  return {
    people: Number(all?.people),
    changing: moves.reduce((sum, { people }) => sum + people, 0),
    moves,
  };
}

/** $1 areas whose floor changes; then those with floor red and yellow, before and after. */
const MOVES = `select ${answered(2, 3)} as from, ${answered(4, 5)} as to, count(*)::text as people
  from person where erased_at is null and areas && $1::integer[] group by 1, 2 order by 1, 2`;

function answered(red: number, yellow: number): string {
  return `greatest(color, case when areas && $${red}::integer[] then 'red'::code_color
    when areas && $${yellow}::integer[] then 'yellow'::code_color end)::text`;
}

/** @throws CommandError (1) when somebody else changed an area since it was counted whom this touches */
async function writeAreas(
  session: SqlSession,
  changes: readonly AreaRow[],
  counted: ReadonlyMap<Area, AreaRow>,
): Promise<void> {
  if (changes.length === 0) return;
  await session.transaction(async () => {
    const now = await readSourceAreas(session, 'for update');
    const text = (areas: ReadonlyMap<Area, AreaRow>) => JSON.stringify([...areas.values()]);
    if (text(now) !== text(counted))
      throw new CommandError(
        'an area was changed by somebody else meanwhile: nothing was changed; run it again',
        1,
      );
    await session.query(
      `insert into area (id, name, floor)
        select id, name, floor from json_to_recordset($1::text::json) as row (id integer, name text, floor code_color)
        order by id
        on conflict (id) do update set name = excluded.name, floor = excluded.floor`,
      [JSON.stringify(changes)],
    );
  });
}

function planLines(name: string, read: number, plan: AreasPlan, reach: Reach): string[] {
  const { people, changing, moves } = reach;
  const counts = `${grouped(plan.added.length)} are new, ${grouped(plan.floors.length)} change floor`;
  const who = `${grouped(changing)} of ${grouped(people)} people (${shareOf(changing, people)})`;
  return [
    `${name} has ${grouped(read)} areas: ${counts}, ${grouped(plan.names.length)} change name.`,
    `${who} are answered another color${changing === 0 ? '.' : ':'}`,
    ...moves.map((move) => `  ${move.from} -> ${move.to}: ${grouped(move.people)}`),
  ];
}
