import { type Area, type ColorName, colorOf } from '../health-code.ts';
import { type Faults, quoted } from './import-faults.ts';
import type { ImportFile } from './import-file.ts';
import { type Row, readRows } from './import-rows.ts';

export const AREA_COLUMNS = ['id', 'name', 'floor'] as const;
const [ID, NAME, FLOOR] = [0, 1, 2];

export interface AreaRow {
  readonly id: Area;
  readonly name: string;
  readonly floor: ColorName;
}

/** No city has so many districts: a file that does is another one. */
const AREAS_READ_MAX = 100_000;
const NAME_LENGTH_MAX = 200;

/** @returns those that are sound */
export async function readAreas(
  file: ImportFile,
  faults: Faults,
  signal: AbortSignal,
): Promise<AreaRow[]> {
  const areas: AreaRow[] = [];
  const lineOf = new Map<Area, number>();
  const onBytes = () => {};
  for await (const rows of readRows(file, { columns: AREA_COLUMNS, faults, onBytes })) {
    signal.throwIfAborted();
    for (const row of rows) {
      const area = check(row, faults);
      if (!area) continue;
      const first = lineOf.get(area.id);
      if (first !== undefined) {
        faults.add(row.line, row.columnOf(ID), `area ${area.id} is in line ${first} already`);
        continue;
      }
      if (areas.length === AREAS_READ_MAX) {
        faults.add(row.line, 1, `more than ${AREAS_READ_MAX} areas`);
        return areas;
      }
      lineOf.set(area.id, row.line);
      areas.push(area);
    }
  }
  return areas;
}

/** @returns undefined for a row with faults, which are told; all of them */
function check(row: Row, faults: Faults): AreaRow | undefined {
  const [id, name, floor] = row.fields as [string, string, string];
  const isArea = /^[1-9]\d{0,9}$/.test(id) && Number(id) < 2 ** 31;
  const { length } = [...name];
  const isName = length > 0 && length <= NAME_LENGTH_MAX && !/[\p{Cc}\ufffd]/u.test(name);
  const isFloor = colorOf(floor) !== undefined;
  if (isArea && isName && isFloor) return { id: Number(id), name, floor: floor as ColorName };
  const wrong = (index: number, what: string) => faults.add(row.line, row.columnOf(index), what);
  if (!isArea) wrong(ID, `${quoted(id)}: an area is a whole number from 1 on`);
  if (!isName)
    wrong(
      NAME,
      `${quoted(name)}: a name has 1 to ${NAME_LENGTH_MAX} characters of UTF-8, no control characters`,
    );
  if (!isFloor) wrong(FLOOR, `${quoted(floor)}: a floor is green, yellow or red`);
  return undefined;
}
