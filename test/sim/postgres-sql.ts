// The statements of the service, by their names, over a PostgreSQL in memory: each is one transaction, whose now() is
// when it arrives, and whose snapshot comes a little later.

import { seenBy } from '../../lookup/feed/feed.ts';
import { parseSnapshot } from '../../lookup/feed/outbox-sql.ts';
import {
  type Color,
  colorName,
  idToUuid,
  type Subject,
  uuidToId,
} from '../../lookup/health-code.ts';
import type { Sql, SqlValue, Statement } from '../../lookup/source/sql.ts';
import type { Link } from './network.ts';
import { floorsOf, type OutboxRow, type Person, type SimPostgres } from './postgres.ts';
import type { SimTime } from './time.ts';

/** What PostgreSQL does, so that a test may take a part of it away. */
export const POSTGRES_RULES = {
  /** Rows of transactions that were open when the outbox was read before are read too. */
  readsOpenOnes: true,
  /** A poll's time is from before its snapshot. */
  timeIsBefore: true,
  /** It says which rows it no longer has. */
  tellsTrimmed: true,
  /** It says that it is another than the one a reader has known. */
  tellsOther: true,
  /** It says so of itself with what it has read, too. */
  tellsOfReads: true,
  /** What comes together with a floor is told from what does not. */
  tellsFloors: true,
  /** Of the changes to a person in one transaction, the outbox has the last. */
  tellsLast: true,
};
export type PostgresRules = typeof POSTGRES_RULES;

type Row = Record<string, string | null>;
type Values = readonly SqlValue[];
type Run = (values: Values, now: number) => Row[];

const KEEP_EVERY_MS = 900;
/** Between a transaction's time and its snapshot. */
const STATEMENT_MS = 3;

export class SimSql implements Sql {
  readonly #postgres: SimPostgres;
  readonly #time: SimTime;
  readonly #link: Link;
  readonly #rules: PostgresRules;
  readonly #statements: Readonly<Record<string, Run>>;
  /** How often each was sent. */
  readonly sent = new Map<string, number>();

  constructor(postgres: SimPostgres, time: SimTime, link: Link, rules = POSTGRES_RULES) {
    this.#postgres = postgres;
    this.#time = time;
    this.#link = link;
    this.#rules = rules;
    this.#statements = {
      'feed-begin': (values, now) => this.#begin(values, now),
      'feed-poll': (values, now) => this.#poll(values, now),
      'feed-has-others': (values, now) => this.#hasOthers(values, now),
      'feed-keep': ([seen, retentionMs]) => this.#keep(String(seen), Number(retentionMs)),
      'feed-new-epoch': ([seen, epoch]) => this.#newEpoch(Number(seen), String(epoch)),
      'lease-take': ([who, lastsMs, least], now) =>
        this.#lease(String(who), Number(lastsMs), Number(least), now),
      'lease-release': ([who], now) => this.#release(String(who), now),
      load: ([subjects, token], now) => this.#load(subjects as string[], token, now),
      'source-time': (_, now) => [{ now: String(Math.floor(now)) }],
      'people-page': (values, now) => this.#page(values, now),
      tombstones: ([tombstoneMs], now) => this.#tombstones(now - Number(tombstoneMs)),
      bury: ([subjects, tombstoneMs], now) =>
        this.#bury(subjects as string[], now - Number(tombstoneMs)),
    };
  }

  query<R>(statement: Statement, values: Values, signal?: AbortSignal): Promise<R[]> {
    const run = this.#statements[statement.name];
    if (!run) return Promise.reject(new Error(`no such statement here: ${statement.name}`));
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.sent.set(statement.name, (this.sent.get(statement.name) ?? 0) + 1);
    const call = this.#link.call(async () => {
      const now = this.#postgres.now();
      const takesMs = this.#time.between(0, STATEMENT_MS);
      const rows = this.#rules.timeIsBefore ? undefined : run(values, now + takesMs);
      await this.#time.sleep(takesMs);
      return (rows ?? run(values, now)) as R[];
    });
    if (!signal) return call;
    return new Promise((resolve, reject) => {
      const end = () => reject(signal.reason);
      signal.addEventListener('abort', end, { once: true });
      const done = () => signal.removeEventListener('abort', end);
      call.then(resolve, reject).finally(done);
    });
  }

  async close(): Promise<void> {}

  get #disk() {
    return this.#postgres.disk;
  }

  #head(token: SqlValue | undefined, now: number): Record<string, unknown> {
    const { tokens, trimmed, version } = this.#disk;
    const known = token === null || tokens.some((one) => one.token === token);
    return {
      now: Math.floor(now),
      snapshot: this.#postgres.snapshot(),
      recovery: this.#postgres.state === 'standby',
      epoch: this.#rules.tellsOther ? this.#postgres.epoch : '7-1-1',
      token: tokens.at(-1)?.token ?? null,
      trimmed: this.#rules.tellsTrimmed ? trimmed : null,
      versions: version,
      has_token: known || !this.#rules.tellsOther,
    };
  }

  #begin([token]: Values, now: number): Row[] {
    const floors = [...this.#disk.visible.areas].map(([area, { floor, version }]) => [
      area,
      colorName(floor),
      version,
    ]);
    return [{ head: JSON.stringify({ ...this.#head(token, now), floors }) }];
  }

  #poll([token, since, target, xid, version, most]: Values, now: number): Row[] {
    const [fromXid, fromVersion] = [Number(xid), Number(version)];
    const seen = parseSnapshot(String(since));
    const rows = this.#postgres
      .fresh(String(since))
      .filter((row) => row.xid >= seen.xmax || this.#rules.readsOpenOnes)
      .filter((row) => row.xid > fromXid || (row.xid === fromXid && row.version > fromVersion))
      .filter((row) => target === null || seenBy(parseSnapshot(String(target)), row.xid))
      .slice(0, Number(most));
    // A query of a reader that has no token yet compares with null.
    const head = { ...this.#head(token, now), has_token: token !== null && this.#known(token) };
    return [...rows.map(rowOf), { head: JSON.stringify(head) }];
  }

  #known(token: SqlValue | undefined): boolean {
    return !this.#rules.tellsOther || this.#disk.tokens.some((one) => one.token === token);
  }

  #hasOthers([token, since, target]: Values, now: number): Row[] {
    const until = parseSnapshot(String(target));
    const others = this.#postgres
      .fresh(String(since))
      .some((row) => row.kind !== 'person' && seenBy(until, row.xid));
    const head = { ...this.#head(token, now), has_token: token !== null && this.#known(token) };
    return [{ head: JSON.stringify({ ...head, others: others && this.#rules.tellsFloors }) }];
  }

  #keep(seen: string, retentionMs: number): Row[] {
    const [disk, at] = [this.#disk, this.#postgres.now()];
    if (disk.tokens.some((one) => one.at > at - KEEP_EVERY_MS)) return [];
    const token = `00000000-0000-4000-8000-${String(this.#time.random()).slice(2, 14).padEnd(12, '0')}`;
    disk.tokens = [...disk.tokens, { token, at }];
    disk.cursors = [...disk.cursors, { snapshot: seen, at }];
    const passed = disk.cursors.findLast((cursor) => cursor.at < at - retentionMs);
    if (!passed) return [];
    const floor = parseSnapshot(passed.snapshot);
    disk.trimmed = passed.snapshot;
    disk.outbox = disk.outbox.filter((row) => !seenBy(floor, row.xid));
    disk.cursors = disk.cursors.filter((cursor) => cursor.at >= passed.at);
    return [];
  }

  #newEpoch(versionSeen: number, epochSeen: string): Row[] {
    const disk = this.#disk;
    if (disk.version <= versionSeen) disk.version = versionSeen + 1_000_000;
    if (this.#postgres.epoch === epochSeen) disk.counter += 1;
    return [];
  }

  #lease(holder: string, lastsMs: number, least: number, now: number): Row[] {
    const was = this.#disk.lease;
    if (was && was.holder !== holder && was.until >= now) return [];
    const grown = was ? was.term + (was.holder === holder ? 0 : 1) : 1;
    const term = Math.max(grown, least);
    this.#disk.lease = { holder, term, until: now + lastsMs };
    return [{ term: String(term) }];
  }

  #release(holder: string, now: number): Row[] {
    const { lease } = this.#disk;
    if (lease?.holder === holder) this.#disk.lease = { ...lease, until: now - 1_000 };
    return [];
  }

  #load(subjects: readonly string[], token: SqlValue | undefined, now: number): Row[] {
    const { visible } = this.#disk;
    const known = this.#postgres.state === 'up' && (token === null || this.#known(token));
    const epoch = this.#rules.tellsOther ? this.#postgres.epoch : '7-1-1';
    const about = this.#rules.tellsOfReads ? { epoch } : {};
    return subjects.map((uuid) => {
      const person = visible.people.get(uuidToId(uuid));
      const head = {
        subject: uuid,
        as_of: String(Math.floor(now)),
        known: String(known),
        ...about,
      };
      if (!person?.color) return { ...head, version: null };
      const names = floorsOf(visible, person).map((floor) => (floor ? colorName(floor) : '?'));
      return { ...head, ...personRow(person), floors: names.length > 0 ? names.join(',') : null };
    });
  }

  #page([after, limit, tokens]: Values, now: number): Row[] {
    const head = {
      now: Math.floor(now),
      recovery: this.#postgres.state === 'standby',
      epoch: this.#postgres.epoch,
      tokens: (tokens as string[]).filter((token) => this.#known(token)),
    };
    const people = [...this.#disk.visible.people]
      .map(([subject, person]) => ({ subject: idToUuid(subject), ...personRow(person) }))
      .filter((row) => row.subject > String(after))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1))
      .slice(0, Number(limit));
    return [{ head: JSON.stringify(head) }, ...people.map((row) => ({ head: null, ...row }))];
  }

  #tombstones(before: number): Row[] {
    return [...this.#disk.visible.people]
      .filter(([, person]) => person.erasedAt < before)
      .map(([subject, { version }]) => ({ subject: idToUuid(subject), version: String(version) }));
  }

  #bury(uuids: readonly string[], before: number): Row[] {
    const people = new Map(this.#disk.visible.people);
    for (const subject of uuids.map(uuidToId))
      if ((people.get(subject)?.erasedAt ?? Infinity) < before) people.delete(subject as Subject);
    this.#postgres.show({ ...this.#disk.visible, people });
    return [];
  }
}

const named = (color: Color | undefined) => (color ? colorName(color) : null);

function personRow({ color, areas, photo, version, xid }: Person) {
  return {
    version: String(version),
    xid: String(xid),
    color: named(color),
    areas: areas.join(','),
    photo: photo === undefined ? null : idToUuid(photo),
  };
}

function rowOf({ xid, version, kind, subject, area, person, floor }: OutboxRow): Row {
  return {
    head: null,
    ...{ color: null, areas: null, photo: null },
    ...(person ? personRow(person) : { color: named(floor) }),
    ...{ xid: String(xid), version: String(version), kind },
    subject: subject === undefined ? null : idToUuid(subject),
    area: area === undefined ? null : String(area),
  };
}
