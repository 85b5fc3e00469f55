// The feed straight from the source's outbox: for a process without Redis, and for the relay.
//
// The cursor is a snapshot. One statement returns the time, this statement's snapshot and every row that it sees and
// the snapshot before did not: rows of transactions that were open then, and of later ones. So a commit is delivered
// once, as soon as it is visible, in no particular order (versions decide), and an open transaction holds nobody up.
// A large transaction comes in pieces of one target snapshot, and counts only once all of it is here.

import type { Clock } from '../clock.ts';
import { uuidToId } from '../health-code.ts';
import type { Log } from '../log.ts';
import type { Sql, SqlValue, Statement } from '../source/sql.ts';
import { parseAreas, requireColor } from '../source/sql-rows.ts';
import {
  type AreaFloor,
  type Batch,
  covers,
  type Feed,
  type PersonChange,
  type Snapshot,
} from './feed.ts';

export interface OutboxOptions {
  readonly feedPollMs: number;
  readonly feedTimeoutMs: number;
  readonly feedChunkRows: number;
  readonly feedChangesMax: number;
  readonly outboxRetentionMs: number;
}

const HEAD = `json_build_object(
  'now', floor(extract(epoch from now()) * 1000),
  'snapshot', pg_current_snapshot()::text,
  'recovery', pg_is_in_recovery(),
  'epoch', lookup_source_epoch(),
  'token', (select token from history_token order by written_at desc limit 1),
  'trimmed', (select floor::text from outbox_trim),
  'versions', (select last_value from change_version)`;

const FLOORS = `(select json_agg(json_build_array(id, floor, version)) from area)`;

/** $1 history token of the cursor. The position, and all floors as this same statement sees them. */
const BEGIN: Statement = {
  name: 'feed-begin',
  text: `select ${HEAD}, 'has_token', $1::uuid is null or exists (select from history_token where token = $1::uuid),
    'floors', ${FLOORS})::text as head`,
};

const COLUMNS = `o.xid, o.version, o.kind, o.subject, o.area, o.color, o.areas, o.photo_id`;

/** $1 token, $2 previous snapshot, $3 target snapshot or null, $4 and $5 position (xid, version), $6 rows at most. */
const POLL: Statement = {
  name: 'feed-poll',
  text: `
with fresh as (
  (select ${COLUMNS} from pg_snapshot_xip($2::pg_snapshot) as open (xid)
    cross join lateral (select * from outbox where outbox.xid = open.xid
      and (open.xid > $4::xid8 or outbox.version > $5::bigint) order by outbox.version limit $6::integer) o
    where open.xid >= $4::xid8 and ($3::pg_snapshot is null or pg_visible_in_snapshot(open.xid, $3::pg_snapshot))
    order by o.xid, o.version limit $6::integer)
  union all
  (select ${COLUMNS} from outbox o
    where o.xid >= pg_snapshot_xmax($2::pg_snapshot) and (o.xid, o.version) > ($4::xid8, $5::bigint)
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

const KEEP: Statement = {
  name: 'feed-keep',
  text: `select lookup_keep($1::pg_snapshot, make_interval(secs => $2::float8 / 1000))::text as kept`,
};

const NEW_EPOCH: Statement = {
  name: 'feed-new-epoch',
  text: 'select lookup_new_epoch($1::bigint)::text as done',
};

interface Head {
  now: number;
  snapshot: string;
  recovery: boolean;
  epoch: string;
  token: string | null;
  has_token: boolean;
  trimmed: string | null;
  versions: number;
  floors?: [number, string, number][] | null;
}

interface Row {
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

interface Cursor {
  readonly head: Head;
  readonly snapshot: Snapshot;
}

/** A reader on a standby would count open transactions as seen, and lose them. */
class ReadOnlySourceError extends Error {
  override readonly name = 'ReadOnlySourceError';
}

class FeedTimeoutError extends Error {
  override readonly name = 'FeedTimeoutError';
}

const KEEP_EVERY_MS = 1_000;
const RETRY_MS_MAX = 1_000;

export class OutboxFeed implements Feed {
  readonly #sql: Sql;
  readonly #options: OutboxOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  #token: string | undefined;
  #versionSeen = 0;
  #failing = false;

  constructor(sql: Sql, options: OutboxOptions, clock: Clock, log: Log) {
    this.#sql = sql;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  /** The newest token of the source's history that was seen: a source without it is another one. */
  get historyToken(): string | undefined {
    return this.#token;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Batch> {
    let cursor: Cursor | undefined;
    let keptMonoMs = -Infinity;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const { batch, next } = cursor
          ? await this.#poll(cursor, signal)
          : await this.#begin(signal, undefined);
        cursor = next;
        failures = 0;
        this.#report(undefined);
        yield batch;
        if (this.#clock.monoMs() - keptMonoMs >= KEEP_EVERY_MS) {
          keptMonoMs = this.#clock.monoMs();
          await this.#query(KEEP, [cursor.head.snapshot, this.#options.outboxRetentionMs], signal);
        }
        await pause(this.#options.feedPollMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error);
        failures += 1;
        const most = Math.min(RETRY_MS_MAX, this.#options.feedPollMs * 2 ** Math.min(failures, 10));
        await pause(most * (0.5 + Math.random() / 2), signal);
      }
    }
  }

  /** A lost connection says nothing, and TCP waits for a quarter of an hour: the wait ends here, and it with it. */
  async #query<R>(
    statement: Statement,
    values: readonly SqlValue[],
    signal: AbortSignal,
  ): Promise<R[]> {
    signal.throwIfAborted();
    const limit = new AbortController();
    const end = () => limit.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    const timer = setTimeout(
      () => limit.abort(new FeedTimeoutError(`${statement.name} took too long`)),
      this.#options.feedTimeoutMs,
    );
    try {
      return await this.#sql.query<R>(statement, values, limit.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  /** Once for each change of state, not for each failure. */
  #report(error: unknown): void {
    if (error === undefined && this.#failing) this.#log.info('the outbox can be read again');
    if (error !== undefined && !this.#failing)
      this.#log.warn({ err: error }, 'the outbox cannot be read');
    this.#failing = error !== undefined;
  }

  /** Takes the position, then the floors of all areas at that position. */
  async #begin(
    signal: AbortSignal,
    before: Cursor | undefined,
  ): Promise<{ batch: Batch; next: Cursor }> {
    let asked = this.#clock.monoMs();
    let head = await this.#headOf(
      await this.#query<Row>(BEGIN, [before?.head.token ?? null], signal),
    );
    const isOther = before !== undefined && isOtherSource(before.head, head);
    if (isOther) {
      this.#log.error(
        { was: before.head.epoch, is: head.epoch },
        'the source has lost history: a new epoch begins',
      );
      this.#token = undefined;
      await this.#query(NEW_EPOCH, [String(this.#versionSeen)], signal);
      asked = this.#clock.monoMs();
      head = await this.#headOf(await this.#query<Row>(BEGIN, [null], signal));
    }
    const next = this.#advance(head);
    const floors = (head.floors ?? []).map(([area, floor, version]) => ({
      area,
      floor: requireColor(floor),
      version,
    }));
    const batch = { ...batchOf(head, next, asked, isOther ? 'new-epoch' : 'restarts'), floors };
    return { batch, next };
  }

  async #poll(cursor: Cursor, signal: AbortSignal): Promise<{ batch: Batch; next: Cursor }> {
    const people: PersonChange[] = [];
    const floors: AreaFloor[] = [];
    let firstLoad = false;
    let target: Head | undefined;
    let position = { xid: '0', version: '0' };
    const asked = this.#clock.monoMs();
    for (;;) {
      const rows = await this.#query<Row>(
        POLL,
        [
          cursor.head.token,
          cursor.head.snapshot,
          target?.snapshot ?? null,
          position.xid,
          position.version,
          this.#options.feedChunkRows,
        ],
        signal,
      );
      const head = this.#headOf(rows);
      if (isOtherSource(cursor.head, head) || isTrimmedPast(cursor.snapshot, head))
        return this.#begin(signal, cursor);
      target ??= head;
      for (const row of rows) {
        if (row.head !== null) continue;
        position = { xid: row.xid, version: row.version };
        this.#versionSeen = Math.max(this.#versionSeen, Number(row.version));
        if (row.kind === 'person') people.push(toChange(row));
        else if (row.kind === 'area') floors.push(toFloor(row));
        else firstLoad = true;
      }
      // More than may be held: take a new position, and let what is held be checked again by version.
      if (people.length > this.#options.feedChangesMax) return this.#begin(signal, cursor);
      if (rows.length - 1 < this.#options.feedChunkRows) break;
    }
    const next = this.#advance(target);
    return {
      batch: { ...batchOf(target, next, asked, 'continues'), people, floors, firstLoad },
      next,
    };
  }

  #headOf(rows: readonly Row[]): Head {
    const text = rows.find((row) => row.head !== null)?.head;
    if (!text) throw new Error('the source returned no head');
    const head = JSON.parse(text) as Head;
    if (head.recovery)
      throw new ReadOnlySourceError('the source is a standby: the outbox is read from the primary');
    return head;
  }

  #advance(head: Head): Cursor {
    this.#token = head.token ?? undefined;
    this.#versionSeen = Math.max(this.#versionSeen, head.versions);
    return { head, snapshot: parseSnapshot(head.snapshot) };
  }
}

function batchOf(head: Head, cursor: Cursor, askedMonoMs: number, joins: Batch['joins']): Batch {
  return {
    resolved: head.now,
    askedMonoMs,
    snapshot: cursor.snapshot,
    epoch: head.epoch,
    people: [],
    floors: [],
    firstLoad: false,
    joins,
  };
}

/** Another server, an older copy, or one whose clock or transactions went back. */
function isOtherSource(was: Head, is: Head): boolean {
  const shrank = parseSnapshot(is.snapshot).xmax < parseSnapshot(was.snapshot).xmax;
  return (
    is.epoch !== was.epoch || (was.token !== null && !is.has_token) || shrank || is.now < was.now
  );
}

/** Rows that this reader had not seen have been trimmed. */
function isTrimmedPast(seen: Snapshot, head: Head): boolean {
  return head.trimmed !== null && !covers(seen, parseSnapshot(head.trimmed));
}

/** "xmin:xmax:xip,xip" */
export function parseSnapshot(text: string): Snapshot {
  const [, xmax, xip] = text.split(':');
  return { xmax: Number(xmax), xip: xip ? xip.split(',').map(Number) : [] };
}

function toChange(row: Row): PersonChange {
  const subject = uuidToId(row.subject);
  const version = Number(row.version);
  if (row.color === null) return { subject, version, erased: true };
  const photo = row.photo === null ? undefined : uuidToId(row.photo);
  return { subject, version, color: requireColor(row.color), areas: parseAreas(row.areas), photo };
}

function toFloor(row: Row): AreaFloor {
  return { area: Number(row.area), floor: requireColor(row.color), version: Number(row.version) };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
