// A source in memory that behaves as PostgreSQL does where answers depend on it: transactions that overlap, snapshots,
// versions from one sequence, an outbox. It remembers all that was ever true, so that any answer can be judged.

import type { Clock } from '../lookup/clock.ts';
import type { AreaFloor, Batch, PersonChange, Snapshot } from '../lookup/feed/feed.ts';
import { seenBy } from '../lookup/feed/feed.ts';
import type { LoadedOne } from '../lookup/guards/guarded-source.ts';
import { type Area, type Color, effectiveColor, type Subject } from '../lookup/health-code.ts';

/** Its clock runs so far ahead of the process's monotonic one. */
const AHEAD_MS = 5_000_000;

interface Person {
  readonly color: Color;
  readonly areas: readonly Area[];
  readonly version: number;
  readonly xid: number;
}

interface Floor {
  readonly floor: Color;
  readonly version: number;
}

/** What is visible at one time. */
interface Visible {
  readonly people: ReadonlyMap<Subject, Person>;
  readonly areas: ReadonlyMap<Area, Floor>;
}

type Write = (people: Map<Subject, Person>, areas: Map<Area, Floor>) => void;

export interface Transaction {
  readonly xid: number;
  readonly locks: Set<Subject | Area>;
  readonly writes: Write[];
  readonly rows: (PersonChange | AreaFloor)[];
}

export interface Judged {
  readonly version: number;
  readonly color: Color;
}

export class ModelSource {
  readonly #clock: Clock;
  #visible: Visible = { people: new Map(), areas: new Map() };
  readonly #history: { since: number; visible: Visible }[] = [];
  readonly #open = new Map<number, Transaction>();
  #outbox: { xid: number; row: PersonChange | AreaFloor }[] = [];
  #xid = 100;
  #version = 0;
  #epoch = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** On the source's clock. */
  now(): number {
    return this.#clock.monoMs() + AHEAD_MS;
  }

  get open(): readonly Transaction[] {
    return [...this.#open.values()];
  }

  begin(): Transaction {
    const transaction = { xid: this.#xid++, locks: new Set<never>(), writes: [], rows: [] };
    this.#open.set(transaction.xid, transaction);
    return transaction;
  }

  /** @returns false when another transaction holds the row: this one would wait */
  person(t: Transaction, subject: Subject, color: Color | undefined, areas: readonly Area[] = []) {
    if (!this.#lock(t, subject)) return false;
    const [version, { xid }] = [++this.#version, t];
    if (color === undefined) {
      t.rows.push({ subject, version, erased: true, xid });
      t.writes.push((people) => people.delete(subject));
    } else {
      t.rows.push({ subject, version, color, areas, photo: undefined, xid });
      t.writes.push((people) => people.set(subject, { color, areas, version, xid }));
    }
    return true;
  }

  /** As {@link person}. */
  floor(t: Transaction, area: Area, floor: Color): boolean {
    if (!this.#lock(t, area)) return false;
    const version = ++this.#version;
    t.rows.push({ area, floor, version });
    t.writes.push((_, areas) => areas.set(area, { floor, version }));
    return true;
  }

  #lock(t: Transaction, row: Subject | Area): boolean {
    for (const other of this.#open.values()) if (other !== t && other.locks.has(row)) return false;
    t.locks.add(row);
    return true;
  }

  commit(t: Transaction): void {
    const people = new Map(this.#visible.people);
    const areas = new Map(this.#visible.areas);
    for (const write of t.writes) write(people, areas);
    this.#visible = { people, areas };
    this.#history.push({ since: this.now(), visible: this.#visible });
    this.#outbox.push(...t.rows.map((row) => ({ xid: t.xid, row })));
    this.#open.delete(t.xid);
  }

  /** One transaction of its own. */
  write(work: (t: Transaction) => void): void {
    const t = this.begin();
    work(t);
    this.commit(t);
  }

  snapshot(): Snapshot {
    return { xmax: this.#xid, xip: [...this.#open.keys()] };
  }

  /** What one statement says of a person. */
  read(subject: Subject): Pick<LoadedOne, 'asOf' | 'row'> {
    const person = this.#visible.people.get(subject);
    if (!person) return { asOf: this.now(), row: undefined };
    const { color, areas, version, xid } = person;
    const record = { subject, version, color, areas, photo: undefined };
    const effective = this.#effective(this.#visible, subject);
    return { asOf: this.now(), row: { record, xid, effective } };
  }

  /** The batch that follows a snapshot; all floors and no people when it restarts. */
  batch(since: Snapshot, joins: Batch['joins']): Batch {
    if (joins === 'new-epoch') this.#epoch += 1;
    const rows = this.#outbox.filter(({ xid }) => !seenBy(since, xid)).map(({ row }) => row);
    const floors = [...this.#visible.areas].map(([area, floor]) => ({ area, ...floor }));
    const epoch = String(this.#epoch);
    const snapshot = this.snapshot();
    return {
      resolved: this.now(),
      askedMonoMs: this.#clock.monoMs(),
      snapshot,
      ahead: undefined,
      cursor: { snapshot: '', token: undefined, epoch, at: this.now() },
      epoch,
      people: joins === 'continues' ? rows.filter((row) => 'subject' in row) : [],
      floors: joins === 'continues' ? rows.filter((row) => 'area' in row) : floors,
      firstLoad: false,
      joins,
    };
  }

  #effective({ people, areas }: Visible, subject: Subject): Color | undefined {
    const person = people.get(subject);
    const floors = person?.areas.map((area) => areas.get(area)?.floor) ?? [];
    return person && effectiveColor(person.color, floors);
  }

  /** What a person was, one after the other, between two times; undefined: there was none. */
  between(subject: Subject, from: number, to: number): (Judged | undefined)[] {
    return this.#history
      .filter(({ since }, i) => since <= to && (this.#history[i + 1]?.since ?? Infinity) > from)
      .map(({ visible }) => {
        const color = this.#effective(visible, subject);
        const version = visible.people.get(subject)?.version;
        return color && version ? { version, color } : undefined;
      });
  }
}
