// A row of people: checked, and turned into what the source takes.

import { AREAS_MAX, type Area, colorOf, idToUuid, isId } from '../health-code.ts';
import { type Faults, quoted } from './import-faults.ts';
import type { ImportFile } from './import-file.ts';
import { type Row, readRows } from './import-rows.ts';

export const PERSON_COLUMNS = ['subject', 'color', 'areas', 'photo'] as const;
const [SUBJECT, COLOR, AREAS, PHOTO] = [0, 1, 2, 3];

/** Line, subject, color, areas, photo id and photo file: as COPY takes them. */
export const STAGED_COLUMNS = [
  'line',
  'subject',
  'color',
  'areas',
  'photo_id',
  'photo_file',
] as const;
export type StagedRow = [
  line: string,
  subject: string,
  color: string,
  areas: string,
  photoId: string | null,
  photoFile: string | null,
];

export interface Checked {
  readonly row: Row;
  readonly staged: StagedRow;
}

/** As many different lists of areas are remembered: people of one street have the same. */
const AREA_LISTS_MAX = 20_000;

export interface PersonRowOptions {
  readonly areas: ReadonlySet<Area>;
  /** The photo column has the names of files, not ids. */
  readonly photoFiles: boolean;
  readonly faults: Faults;
}

export class PersonRows {
  readonly #options: PersonRowOptions;
  readonly #lists = new Map<string, string>();

  constructor(options: PersonRowOptions) {
    this.#options = options;
  }

  /** Batches of what is sound. All that is wrong is told as a fault. */
  async *read(file: ImportFile, onBytes: (bytesRead: number) => void): AsyncGenerator<Checked[]> {
    const { faults } = this.#options;
    for await (const rows of readRows(file, { columns: PERSON_COLUMNS, faults, onBytes })) {
      const checked: Checked[] = [];
      for (const row of rows) {
        const staged = this.#check(row);
        if (staged) checked.push({ row, staged });
      }
      yield checked;
    }
  }

  #check(row: Row): StagedRow | undefined {
    const [subject, color, areas, photo] = row.fields as [string, string, string, string];
    const { photoFiles, faults } = this.#options;
    const list = this.#lists.get(areas) ?? this.#remember(areas);
    const isSubject = isId(subject);
    const isColor = colorOf(color) !== undefined;
    const isPhoto = photo === '' || (photoFiles ? isFileName(photo) : isId(photo));
    if (isSubject && isColor && isPhoto && list.startsWith('{'))
      return [
        String(row.line),
        idToUuid(subject),
        color,
        list,
        photo === '' || photoFiles ? null : idToUuid(photo),
        photo !== '' && photoFiles ? photo : null,
      ];
    const wrong = (index: number, what: string) => faults.add(row.line, row.columnOf(index), what);
    if (!isSubject) wrong(SUBJECT, `${quoted(subject)}: a subject is ${ID_FORM}`);
    if (!isColor) wrong(COLOR, `${quoted(color)}: a color is green, yellow or red`);
    if (!list.startsWith('{')) wrong(AREAS, list);
    if (!isPhoto) wrong(PHOTO, `${quoted(photo)}: ${photoFiles ? FILE_FORM : PHOTO_FORM}`);
    return undefined;
  }

  #remember(areas: string): string {
    if (this.#lists.size >= AREA_LISTS_MAX) this.#lists.clear();
    const list = toList(areas, this.#options.areas);
    this.#lists.set(areas, list);
    return list;
  }
}

const ID_FORM = '22 characters of base64url, the last one A, Q, g or w';
const PHOTO_FORM = `a photo is empty or an id (${ID_FORM}); with --photos DIR, the name of a file there`;
const FILE_FORM = 'a photo is empty or the name of a file in the folder of photos';

/** @returns as PostgreSQL writes an array: "{1,2}"; or what is wrong, which never begins with "{" */
function toList(text: string, known: ReadonlySet<Area>): string {
  if (text === '') return '{}';
  const ids = text.split('|');
  if (ids.length > AREAS_MAX)
    return `${quoted(text)}: ${ids.length} areas, and a person has at most ${AREAS_MAX}`;
  for (const id of ids) {
    if (!/^[1-9]\d{0,9}$/.test(id))
      return `${quoted(text)}: areas are whole numbers from 1 on, joined by "|"`;
    if (!known.has(Number(id))) return `there is no area ${id} in the source`;
  }
  if (new Set(ids).size < ids.length) return `${quoted(text)}: an area twice`;
  return `{${ids.join(',')}}`;
}

/** In the folder or below it, and nowhere else. */
function isFileName(name: string): boolean {
  return !/[\p{Cc}\ufffd]/u.test(name) && !name.startsWith('/') && !name.split('/').includes('..');
}
