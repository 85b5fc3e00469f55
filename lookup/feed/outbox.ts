// The feed straight from the source's outbox: for a process without Redis, and for the relay.
//
// The cursor is a snapshot. One statement returns the time, this statement's snapshot and every row that it sees and
// the snapshot before did not: rows of transactions that were open then, and of later ones. So a commit is delivered
// once, as soon as it is visible, in no particular order (versions decide), and an open transaction holds nobody up.
// A large transaction comes in pieces of one target snapshot. Resolved time stands still until all of it is here; a
// piece is applied as it comes unless floors changed too, because then own color and floors must change together.

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Sql, SqlValue, Statement } from '../source/sql.ts';
import { requireColor } from '../source/sql-rows.ts';
import type { AreaFloor, Batch, Cursor, Feed, PersonChange } from './feed.ts';
import {
  BEGIN,
  cannotContinue,
  cursorOf,
  HAS_OTHERS,
  type Head,
  isOtherSource,
  KEEP,
  NEW_EPOCH,
  POLL,
  parseSnapshot,
  type Row,
  toChange,
  toFloor,
} from './outbox-sql.ts';
import { pause } from './pause.ts';

export interface OutboxOptions {
  readonly feedPollMs: number;
  readonly feedTimeoutMs: number;
  readonly feedChunkRows: number;
  readonly feedChangesMax: number;
  readonly outboxRetentionMs: number;
}

/** A reader on a standby would count open transactions as seen, and lose them. */
class ReadOnlySourceError extends Error {
  override readonly name = 'ReadOnlySourceError';
}

class FeedTimeoutError extends Error {
  override readonly name = 'FeedTimeoutError';
}

/** The outbox no longer has all since this cursor. */
export class CannotReplayError extends Error {
  override readonly name = 'CannotReplayError';
}

const KEEP_EVERY_MS = 1_000;
const RETRY_MS_MAX = 1_000;

interface Position {
  readonly xid: string;
  readonly version: string;
}

const START: Position = { xid: '0', version: '0' };

export class OutboxFeed implements Feed {
  readonly #sql: Sql;
  readonly #options: OutboxOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  #versionSeen = 0;
  #keptMonoMs = -Infinity;
  #failing = false;

  constructor(sql: Sql, options: OutboxOptions, clock: Clock, log: Log) {
    this.#sql = sql;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  /** @param from continues there; without it the first batch `restarts` */
  async *follow(signal: AbortSignal, from?: Cursor): AsyncGenerator<Batch> {
    let cursor = from;
    let failures = 0;
    while (!signal.aborted) {
      try {
        for await (const batch of this.catchUp(cursor, signal)) {
          cursor = batch.cursor;
          failures = 0;
          this.#report(undefined);
          yield batch;
        }
        if (cursor) await this.#keep(cursor, signal);
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

  /**
   * All that is new since a cursor, up to now: one batch, or the pieces of a large transaction.
   * @param from undefined: a batch that `restarts`
   * @throws when the source cannot be read
   */
  async *catchUp(from: Cursor | undefined, signal: AbortSignal): AsyncGenerator<Batch> {
    if (!from) {
      yield await this.#begin(signal, undefined);
      return;
    }
    const asked = this.#clock.monoMs();
    const first = await this.#rows(from, null, START, signal);
    const target = this.#headOf(first);
    if (cannotContinue(from, target)) {
      yield await this.#begin(signal, from);
      return;
    }
    if (first.length - 1 < this.#options.feedChunkRows) {
      yield this.#batchOf(target, asked, 'continues', first);
      return;
    }
    // Only of the same source does the answer belong to these rows.
    const others = this.#headOf(await this.#others(from, target, signal));
    if (cannotContinue(from, others)) {
      yield await this.#begin(signal, from);
      return;
    }
    yield* this.#pieces(from, target, asked, first, others.others === true, signal);
  }

  /**
   * People who changed after one cursor and no later than another, in pieces.
   * @param to where the feed is
   * @throws CannotReplayError; or, as for any failure, when this is no longer the source that the feed has read
   */
  async *replay(from: Cursor, to: Cursor, signal: AbortSignal): AsyncGenerator<PersonChange[]> {
    let position = START;
    for (;;) {
      const since = { ...from, token: to.token };
      const rows = await this.#rows(since, to.snapshot, position, signal);
      const head = this.#headOf(rows);
      // Whoever reads the feed will see it too, and begins a new epoch: until then nothing can be said of a node.
      if (isOtherSource(to, head)) throw new Error('the source is not the one that was read');
      if (cannotContinue(since, head))
        throw new CannotReplayError('the outbox no longer has all since then');
      const changes = changesOf(rows);
      yield changes.people;
      if (rows.length - 1 < this.#options.feedChunkRows) return;
      position = changes.last;
    }
  }

  /** Whether anything but people is among what is new. */
  #others(from: Cursor, target: Head, signal: AbortSignal): Promise<Row[]> {
    const values = [from.token ?? null, from.snapshot, target.snapshot];
    return this.#query<Row>(HAS_OTHERS, values, signal);
  }

  /** The next piece is read while whoever takes them is busy with the one before. */
  async *#pieces(
    from: Cursor,
    target: Head,
    asked: number,
    first: Row[],
    others: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    const held: Row[] = [];
    let rows = first;
    let { people, last } = changesOf(rows);
    while (rows.length - 1 >= this.#options.feedChunkRows) {
      const reading = this.#rows(from, target.snapshot, last, signal);
      const next = reading.then((more) => ({ more, changes: changesOf(more) }));
      // It is awaited below, unless whoever takes the pieces has left by then.
      next.catch(() => {});
      if (others) held.push(...rows);
      else yield this.#pieceOf(from, target, people);
      // More than may be held: take a new position, and let what is held be checked again by version.
      if (held.length > this.#options.feedChangesMax) {
        yield await this.#begin(signal, from);
        return;
      }
      const { more, changes } = await next;
      rows = more;
      ({ people, last } = changes);
      const head = this.#headOf(rows);
      if (cannotContinue(from, head)) {
        yield await this.#begin(signal, from);
        return;
      }
    }
    yield this.#batchOf(target, asked, 'continues', held.length > 0 ? held.concat(rows) : rows);
  }

  async #keep(cursor: Cursor, signal: AbortSignal): Promise<void> {
    if (this.#clock.monoMs() - this.#keptMonoMs < KEEP_EVERY_MS) return;
    this.#keptMonoMs = this.#clock.monoMs();
    await this.#query(KEEP, [cursor.snapshot, this.#options.outboxRetentionMs], signal);
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
  async #begin(signal: AbortSignal, before: Cursor | undefined): Promise<Batch> {
    let asked = this.#clock.monoMs();
    let head = this.#headOf(await this.#query<Row>(BEGIN, [before?.token ?? null], signal));
    const isOther = before !== undefined && isOtherSource(before, head);
    if (isOther) {
      this.#log.error(
        { was: before.epoch, is: head.epoch },
        'the source has lost history: a new epoch begins',
      );
      await this.#query(NEW_EPOCH, [String(this.#versionSeen), before.epoch], signal);
      asked = this.#clock.monoMs();
      head = this.#headOf(await this.#query<Row>(BEGIN, [null], signal));
    }
    const floors = (head.floors ?? []).map(([area, floor, version]) => ({
      area,
      floor: requireColor(floor),
      version,
    }));
    return { ...this.#batchOf(head, asked, isOther ? 'new-epoch' : 'restarts', []), floors };
  }

  #rows(
    from: Cursor,
    target: string | null,
    { xid, version }: Position,
    signal: AbortSignal,
  ): Promise<Row[]> {
    const values = [from.token ?? null, from.snapshot, target, xid, version];
    return this.#query<Row>(POLL, [...values, this.#options.feedChunkRows], signal);
  }

  #headOf(rows: readonly Row[]): Head {
    const text = rows.find((row) => row.head !== null)?.head;
    if (!text) throw new Error('the source returned no head');
    const head = JSON.parse(text) as Head;
    if (head.recovery)
      throw new ReadOnlySourceError('the source is a standby: the outbox is read from the primary');
    return head;
  }

  #batchOf(head: Head, askedMonoMs: number, joins: Batch['joins'], rows: readonly Row[]): Batch {
    const { people, floors, firstLoad } = changesOf(rows);
    this.#versionSeen = Math.max(this.#versionSeen, head.versions);
    return {
      resolved: head.now,
      askedMonoMs,
      snapshot: parseSnapshot(head.snapshot),
      ahead: undefined,
      cursor: cursorOf(head),
      epoch: head.epoch,
      people,
      floors,
      firstLoad,
      joins,
    };
  }

  #pieceOf(from: Cursor, target: Head, people: readonly PersonChange[]): Batch {
    return {
      resolved: from.at,
      askedMonoMs: undefined,
      snapshot: parseSnapshot(from.snapshot),
      ahead: parseSnapshot(target.snapshot),
      cursor: from,
      epoch: from.epoch,
      people,
      floors: [],
      firstLoad: false,
      joins: 'continues',
    };
  }
}

function changesOf(rows: readonly Row[]) {
  const people: PersonChange[] = [];
  const floors: AreaFloor[] = [];
  let firstLoad = false;
  let last = START;
  for (const row of rows) {
    if (row.head !== null) continue;
    last = { xid: row.xid, version: row.version };
    if (row.kind === 'person') people.push(toChange(row));
    else if (row.kind === 'area') floors.push(toFloor(row));
    else firstLoad = true;
  }
  return { people, floors, firstLoad, last };
}
