import { type Color, colorOf, idToUuid, type Subject, uuidToId } from '../health-code.ts';
import type { Loaded, Photo, PhotoSource, Source, SourceRow } from './source.ts';
import type { Sql, Statement } from './sql.ts';
import { parseAreas, requireColor } from './sql-rows.ts';

/** The source that answered is not the one that the feed follows: nothing it says can be combined with what is held. */
export class OtherSourceError extends Error {
  override readonly name = 'OtherSourceError';
}

// One batch, one statement: the people, the floors of their areas as this same statement sees them, and its time. A
// row comes back for every subject asked, so that the time is there even when nobody is found.
const LOAD: Statement = {
  name: 'load',
  text: `
select asked.subject::text as subject,
  floor(extract(epoch from now()) * 1000)::text as as_of,
  (not pg_is_in_recovery()
     and ($2::uuid is null or exists (select from history_token where token = $2::uuid)))::text as known,
  case when pg_is_in_recovery() then '' else (select lookup_source_epoch()) end as epoch,
  person.version::text as version,
  person.xid::text as xid,
  person.color::text as color,
  array_to_string(person.areas, ',') as areas,
  (select string_agg(coalesce(area.floor::text, '?'), ',') from unnest(person.areas) with ordinality as tied (id, place)
    left join area on area.id = tied.id) as floors,
  person.photo_id::text as photo
from unnest($1::uuid[]) as asked (subject)
left join person on person.subject = asked.subject and person.erased_at is null`,
};

const PHOTO: Statement = {
  name: 'photo',
  text: 'select mime, bytes from photo where id = $1::uuid',
};

interface LoadRow {
  subject: string;
  as_of: string;
  known: string;
  epoch: string;
  version: string | null;
  xid: string;
  color: string;
  areas: string;
  floors: string | null;
  photo: string | null;
}

/** The source over PostgreSQL's tables, whichever driver carries the SQL. */
export class SqlSource implements Source, PhotoSource {
  readonly #sql: Sql;
  readonly #historyToken: () => string | undefined;

  /** @param historyToken the last that the feed saw; a source that lacks it has lost history */
  constructor(sql: Sql, historyToken: () => string | undefined) {
    this.#sql = sql;
    this.#historyToken = historyToken;
  }

  async load(subjects: readonly Subject[], signal: AbortSignal): Promise<Loaded> {
    const token = this.#historyToken() ?? null;
    const answer = await this.#sql.query<LoadRow>(LOAD, [subjects.map(idToUuid), token], signal);
    const first = answer[0];
    if (!first) throw new Error('the source returned no row for a question');
    if (first.known !== 'true')
      throw new OtherSourceError('a source that is read-only, or has lost history');
    const rows = new Map<Subject, SourceRow>();
    for (const row of answer) {
      if (row.version !== null) rows.set(uuidToId(row.subject), toSourceRow(row, row.version));
    }
    return { asOf: Number(first.as_of), epoch: first.epoch, rows };
  }

  async loadPhoto(id: string, signal: AbortSignal): Promise<Photo | undefined> {
    const [row] = await this.#sql.query<{ mime: string; bytes: Uint8Array }>(
      PHOTO,
      [idToUuid(id)],
      signal,
    );
    return row;
  }
}

function toSourceRow(row: LoadRow, version: string): SourceRow {
  const color = requireColor(row.color);
  return {
    record: {
      subject: uuidToId(row.subject),
      version: Number(version),
      color,
      areas: parseAreas(row.areas),
      photo: row.photo === null ? undefined : uuidToId(row.photo),
    },
    xid: Number(row.xid),
    effective: worstOf(color, row.floors),
  };
}

/** @returns undefined when an area is not there: its floor is not known, and not green */
function worstOf(own: Color, floors: string | null): Color | undefined {
  let color: Color = own;
  for (const name of floors ? floors.split(',') : []) {
    const floor = colorOf(name);
    if (floor === undefined) return undefined;
    if (floor > color) color = floor;
  }
  return color;
}
