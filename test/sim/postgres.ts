// PostgreSQL in memory, as far as answers depend on it: transactions that overlap, snapshots, versions from one
// sequence, an outbox, a lease, tokens of its history. It remembers all that was ever true, so that any answer can be
// judged; and it can lose history.

import { seenBy } from '../../lookup/feed/feed.ts';
import { parseSnapshot } from '../../lookup/feed/outbox-sql.ts';
import { type Area, type Color, effectiveColor, type Subject } from '../../lookup/health-code.ts';
import type { SimTime } from './time.ts';

export interface Person {
  /** undefined: erased */
  readonly color: Color | undefined;
  readonly areas: readonly Area[];
  readonly photo: string | undefined;
  readonly version: number;
  readonly xid: number;
  readonly erasedAt: number;
}

export interface Floor {
  readonly floor: Color;
  readonly version: number;
}

/** What is visible at one time. */
export interface Visible {
  readonly people: ReadonlyMap<Subject, Person>;
  readonly areas: ReadonlyMap<Area, Floor>;
}

export interface OutboxRow {
  readonly xid: number;
  readonly version: number;
  readonly kind: 'person' | 'area' | 'load';
  readonly subject?: Subject;
  readonly area?: Area;
  readonly person?: Person;
  readonly floor?: Color;
}

type Write = (people: Map<Subject, Person>, areas: Map<Area, Floor>) => void;

export interface Transaction {
  readonly xid: number;
  readonly locks: Set<Subject | Area>;
  readonly writes: Write[];
  rows: OutboxRow[];
}

/** Who a person was to a caller; undefined: there was none. */
export type Truth = { version: number; color: Color; photo: string | undefined } | undefined;

/** All of it that lies on a disk. */
export interface Disk {
  visible: Visible;
  outbox: readonly OutboxRow[];
  xid: number;
  version: number;
  counter: number;
  tokens: readonly { readonly token: string; readonly at: number }[];
  cursors: readonly { readonly snapshot: string; readonly at: number }[];
  trimmed: string | null;
  lease: { readonly holder: string; readonly term: number; readonly until: number } | undefined;
}

export class SimPostgres {
  disk: Disk = {
    visible: { people: new Map(), areas: new Map() },
    outbox: [],
    xid: 100,
    version: 0,
    counter: 1,
    tokens: [],
    cursors: [],
    trimmed: null,
    lease: undefined,
  };
  /** up; standby: read-only, and knows nothing of open transactions. */
  state: 'up' | 'standby' = 'up';
  readonly #time: SimTime;
  readonly #history: { readonly since: number; readonly visible: Visible }[] = [];
  readonly #clock: { readonly since: number; readonly aheadMs: number }[];
  readonly #open = new Map<number, Transaction>();
  readonly #tellsLast: boolean;
  #timeline = 1;
  readonly #lossesAt: number[] = [];

  /** @param tellsLast of the changes to a person in one transaction, the outbox has the last */
  constructor(time: SimTime, tellsLast = true) {
    this.#time = time;
    this.#tellsLast = tellsLast;
    this.#clock = [{ since: 0, aheadMs: 5_000_000 + time.between(0, 1) }];
  }

  /** Its clock. */
  now(): number {
    return this.#time.now + (this.#clock.at(-1)?.aheadMs ?? 0);
  }

  stepClock(ms: number): void {
    const aheadMs = (this.#clock.at(-1)?.aheadMs ?? 0) + ms;
    this.#clock.push({ since: this.#time.now, aheadMs });
  }

  /** When its clock was last set. */
  get setAt(): number {
    return this.#clock.at(-1)?.since ?? 0;
  }

  /** When its clock showed this for the first time; undefined: never yet. */
  whenFirst(asOf: number): number | undefined {
    for (const [i, { since, aheadMs }] of this.#clock.entries()) {
      const until = this.#clock[i + 1]?.since ?? this.#time.now;
      if (asOf - aheadMs <= until) return Math.max(since, asOf - aheadMs);
    }
    return undefined;
  }

  get epoch(): string {
    return `7-${this.#timeline}-${this.disk.counter}`;
  }

  /** How often history had been lost by then: versions of before and after cannot be compared. */
  lossesBy(at: number): number {
    return this.#lossesAt.filter((lost) => lost <= at).length;
  }

  get open(): readonly Transaction[] {
    return [...this.#open.values()];
  }

  begin(): Transaction {
    const transaction = { xid: this.disk.xid++, locks: new Set<never>(), writes: [], rows: [] };
    this.#open.set(transaction.xid, transaction);
    return transaction;
  }

  /** @returns false when another transaction holds the row: this one would wait */
  person(
    t: Transaction,
    subject: Subject,
    color: Color | undefined,
    areas: readonly Area[] = [],
    photo?: string,
  ): boolean {
    if (!this.#lock(t, subject)) return false;
    const version = ++this.disk.version;
    const { xid } = t;
    const person =
      color === undefined
        ? { color, areas: [], photo: undefined, version, xid, erasedAt: this.now() }
        : { color, areas, photo, version, xid, erasedAt: Infinity };
    // Only what a transaction leaves behind is ever visible.
    if (this.#tellsLast) t.rows = t.rows.filter((row) => row.subject !== subject);
    t.rows.push({ xid, version, kind: 'person', subject, person });
    t.writes.push((people) => people.set(subject, person));
    return true;
  }

  /** As {@link person}. */
  floor(t: Transaction, area: Area, floor: Color): boolean {
    if (!this.#lock(t, area)) return false;
    const version = ++this.disk.version;
    t.rows.push({ xid: t.xid, version, kind: 'area', area, floor });
    t.writes.push((_, areas) => areas.set(area, { floor, version }));
    return true;
  }

  /** People who come with one mark, and no row each: only while there is nobody. */
  firstLoad(t: Transaction, people: ReadonlyMap<Subject, Color>): boolean {
    if (this.disk.visible.people.size > 0 || this.#open.size > 1) return false;
    t.rows.push({ xid: t.xid, version: ++this.disk.version, kind: 'load' });
    for (const [subject, color] of people) this.person(t, subject, color);
    t.rows.splice(1);
    return true;
  }

  #lock(t: Transaction, row: Subject | Area): boolean {
    for (const other of this.#open.values()) if (other !== t && other.locks.has(row)) return false;
    t.locks.add(row);
    return true;
  }

  commit(t: Transaction): void {
    if (!this.#open.delete(t.xid)) return;
    const people = new Map(this.disk.visible.people);
    const areas = new Map(this.disk.visible.areas);
    for (const write of t.writes) write(people, areas);
    this.disk.outbox = [...this.disk.outbox, ...t.rows];
    this.show({ people, areas });
  }

  rollback(t: Transaction): void {
    this.#open.delete(t.xid);
  }

  /** One transaction of its own. */
  write(work: (t: Transaction) => void): void {
    const t = this.begin();
    work(t);
    this.commit(t);
  }

  /** This is true from now on. */
  show(visible: Visible): void {
    this.disk.visible = visible;
    this.#history.push({ since: this.#time.now, visible });
  }

  /** As PostgreSQL writes it. */
  snapshot(): string {
    const xip = this.state === 'standby' ? [] : [...this.#open.keys()];
    return `${xip[0] ?? this.disk.xid}:${this.disk.xid}:${xip.join(',')}`;
  }

  /** Rows that are new since a snapshot, in the order of the outbox. */
  fresh(since: string): OutboxRow[] {
    const seen = parseSnapshot(since);
    return this.disk.outbox
      .filter(({ xid }) => !seenBy(seen, xid))
      .sort((a, b) => a.xid - b.xid || a.version - b.version);
  }

  backup(): Disk {
    return { ...this.disk };
  }

  /** It is an older copy of itself from now on. @param promoted a standby: its timeline is another */
  restore(backup: Disk, promoted: boolean): void {
    this.#open.clear();
    this.disk = { ...backup, version: backup.version + Math.floor(this.#time.between(0, 32)) };
    this.#lossesAt.push(this.#time.now);
    if (promoted) this.#timeline += 1;
    this.show(backup.visible);
  }

  /** What a person was, one after the other, between two times of the world. */
  between(subject: Subject, from: number, to: number): Truth[] {
    const found: Truth[] = [];
    for (let i = this.#history.length - 1; i >= 0; i--) {
      const { since, visible } = this.#history[i] as { since: number; visible: Visible };
      if (since <= to) found.push(truthOf(visible, subject));
      if (since <= from) return found;
    }
    return [...found, undefined];
  }

  truth(subject: Subject): Truth {
    return truthOf(this.disk.visible, subject);
  }
}

export function floorsOf({ areas }: Visible, person: Person): (Color | undefined)[] {
  return person.areas.map((area) => areas.get(area)?.floor);
}

function truthOf(visible: Visible, subject: Subject): Truth {
  const person = visible.people.get(subject);
  if (!person?.color) return undefined;
  const color = effectiveColor(person.color, floorsOf(visible, person));
  return color && { version: person.version, color, photo: person.photo };
}
