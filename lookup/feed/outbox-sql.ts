// What is asked of the source's outbox, and how its rows are read.

import { uuidToId } from '../health-code.ts';
import type { Statement } from '../source/sql.ts';
import { parseAreas, requireColor } from '../source/sql-rows.ts';
import { type AreaFloor, type Cursor, covers, type PersonChange, type Snapshot } from './feed.ts';

// A standby cannot say its epoch, which would be the only error: that it is a standby is to be said.
const HEAD = `json_build_object(
  'now', floor(extract(epoch from now()) * 1000),
  'snapshot', pg_current_snapshot()::text,
  'recovery', pg_is_in_recovery(),
  'epoch', case when pg_is_in_recovery() then '' else lookup_source_epoch() end,
  'token', (select token from history_token order by written_at desc limit 1),
  'trimmed', (select floor::text from outbox_trim),
  'versions', (select last_value from change_version)`;

const FLOORS = `(select json_agg(json_build_array(id, floor, version)) from area)`;

/** $1 history token of the cursor. The position, and all floors as this same statement sees them. */
export const BEGIN: Statement = {
  name: 'feed-begin',
  text: `select ${HEAD}, 'has_token', $1::uuid is null or exists (select from history_token where token = $1::uuid),
    'floors', ${FLOORS})::text as head`,
};

const COLUMNS = `o.xid, o.version, o.kind, o.subject, o.area, o.color, o.areas, o.photo_id`;

/**
 * $1 token, $2 previous snapshot, $3 target snapshot or null, $4 and $5 position (xid, version), $6 rows at most.
 * Each branch begins at its own place in the index: the transactions that may have rows on both sides of the position
 * (were open, or the position lies in them) one by one after a version of their own, and whole ones after that. With
 * one comparison for all of it, every piece of a large transaction walks over the pieces before it.
 */
export const POLL: Statement = {
  name: 'feed-poll',
  text: `
with begun as (
  select xid from pg_snapshot_xip($2::pg_snapshot) as open (xid) where xid >= $4::xid8
  union
  select $4::xid8 where $4::xid8 >= pg_snapshot_xmax($2::pg_snapshot)
), fresh as (
  (select ${COLUMNS} from begun
    cross join lateral (select * from outbox where outbox.xid = begun.xid
      and outbox.version > case when begun.xid = $4::xid8 then $5::bigint else 0 end
      order by outbox.version limit $6::integer) o
    where $3::pg_snapshot is null or pg_visible_in_snapshot(begun.xid, $3::pg_snapshot)
    order by o.xid, o.version limit $6::integer)
  union all
  (select ${COLUMNS} from outbox o
    where o.xid >= pg_snapshot_xmax($2::pg_snapshot) and o.xid > $4::xid8
      and ($3::pg_snapshot is null or pg_visible_in_snapshot(o.xid, $3::pg_snapshot))
    order by o.xid, o.version limit $6::integer)
)
select null::text as head, xid::text, version::text, kind, subject::text, area::text, color::text,
  array_to_string(areas, ',') as areas, photo_id::text as photo
  from (select * from fresh order by xid, version limit $6::integer) as piece
union all
select ${HEAD}, 'has_token', exists (select from history_token where token = $1::uuid))::text,
  null, null, null, null, null, null, null, null`,
};

/**
 * $1 token, $2 previous snapshot, $3 target. Whether anything but people is among what is new, of the source that this
 * still is.
 */
export const HAS_OTHERS: Statement = {
  name: 'feed-has-others',
  text: `select ${HEAD}, 'has_token', exists (select from history_token where token = $1::uuid),
    'others', exists (select from outbox where kind <> 'person'
      and (xid >= pg_snapshot_xmax($2::pg_snapshot) or xid = any (array(select pg_snapshot_xip($2::pg_snapshot))))
      and pg_visible_in_snapshot(xid, $3::pg_snapshot)))::text as head`,
};

export const KEEP: Statement = {
  name: 'feed-keep',
  text: `select lookup_keep($1::pg_snapshot, make_interval(secs => $2::float8 / 1000))::text as kept`,
};

export const NEW_EPOCH: Statement = {
  name: 'feed-new-epoch',
  text: 'select lookup_new_epoch($1::bigint, $2::text)::text as done',
};

export interface Head {
  now: number;
  snapshot: string;
  recovery: boolean;
  epoch: string;
  token: string | null;
  has_token: boolean;
  trimmed: string | null;
  versions: number;
  floors?: [number, string, number][] | null;
  others?: boolean;
}

export interface Row {
  head: string | null;
  xid: string;
  version: string;
  kind: string;
  subject: string;
  area: string;
  color: string | null;
  areas: string | null;
  photo: string | null;
}

/** Another server, an older copy, or one whose clock or transactions went back. */
export function isOtherSource(was: Cursor, is: Head): boolean {
  const shrank = parseSnapshot(is.snapshot).xmax < parseSnapshot(was.snapshot).xmax;
  const lacksToken = was.token !== undefined && !is.has_token;
  return is.epoch !== was.epoch || lacksToken || shrank || is.now < was.at;
}

/** Another source, or rows that this reader had not seen have been trimmed. */
export function cannotContinue(from: Cursor, is: Head): boolean {
  if (isOtherSource(from, is)) return true;
  return is.trimmed !== null && !covers(parseSnapshot(from.snapshot), parseSnapshot(is.trimmed));
}

/** "xmin:xmax:xip,xip" */
export function parseSnapshot(text: string): Snapshot {
  const [, xmax, xip] = text.split(':');
  return { xmax: Number(xmax), xip: xip ? xip.split(',').map(Number) : [] };
}

export function toChange(row: Row): PersonChange {
  const subject = uuidToId(row.subject);
  const version = Number(row.version);
  const xid = Number(row.xid);
  if (row.color === null) return { subject, version, erased: true, xid };
  const photo = row.photo === null ? undefined : uuidToId(row.photo);
  const color = requireColor(row.color);
  return { subject, version, color, areas: parseAreas(row.areas), photo, xid };
}

export function toFloor(row: Row): AreaFloor {
  return { area: Number(row.area), floor: requireColor(row.color), version: Number(row.version) };
}

export function cursorOf(head: Head): Cursor {
  return {
    snapshot: head.snapshot,
    token: head.token ?? undefined,
    epoch: head.epoch,
    at: head.now,
  };
}
