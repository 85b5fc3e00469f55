import type { Area, Color, PersonRecord, SourceMs, Tombstone } from '../health-code.ts';

/**
 * What a reader of the source has seen, as PostgreSQL's snapshot: transactions below xmax that are not in xip.
 * Numbers, not text: 64-bit transaction ids stay far below 2^53.
 */
export interface Snapshot {
  readonly xmax: number;
  readonly xip: readonly number[];
}

/** Whether a transaction that has committed by now was seen by this snapshot. */
export function seenBy(snapshot: Snapshot, xid: number): boolean {
  return xid < snapshot.xmax && !snapshot.xip.includes(xid);
}

/** Whether `a` has seen all that `b` has. */
export function covers(a: Snapshot, b: Snapshot): boolean {
  if (a.xmax < b.xmax) return false;
  return a.xip.every((xid) => !seenBy(b, xid));
}

/** A place in the outbox, as text: what has been seen, of which source. */
export interface Cursor {
  readonly snapshot: string;
  /** A token of the source's history: one that lacks it is another source. */
  readonly token: string | undefined;
  readonly epoch: string;
  /** The source's clock at this place. */
  readonly at: SourceMs;
}

export interface AreaFloor {
  readonly area: Area;
  readonly floor: Color;
  readonly version: number;
}

/** `xid`: the transaction that wrote it. */
export type PersonChange = (PersonRecord | Tombstone) & { readonly xid: number };

/** What one read of the source's outbox, or one message of the feed, brings. Applied whole, in one tick. */
export interface Batch {
  /** Everything committed, and acknowledged, up to here has been delivered. On the source's clock. */
  readonly resolved: SourceMs;
  /**
   * The receiver's monotonic clock just before it asked: `resolved` was read after this. undefined: another process
   * asked, and how long the message was under way is not known.
   */
  readonly askedMonoMs: number | undefined;
  /** What is seen once this batch is applied. */
  readonly snapshot: Snapshot;
  /**
   * A piece of a large transaction, which no floor's change is part of: `resolved` and `snapshot` are those of before,
   * and records that this snapshot sees may be combined with the floors all the same.
   */
  readonly ahead: Snapshot | undefined;
  /** From here another reader of the outbox continues after this batch. */
  readonly cursor: Cursor;
  readonly epoch: string;
  readonly people: readonly PersonChange[];
  readonly floors: readonly AreaFloor[];
  /** A first load was committed: every "absent" that is remembered or under way is void. */
  readonly firstLoad: boolean;
  /**
   * How this batch joins what came before. `continues`: nothing lies between. `restarts`: something may (the outbox was
   * trimmed, or the changes were too many to hold); `floors` is complete, and what is held must be checked again by
   * version. `new-epoch`: as `restarts`, and versions of before cannot be compared with those of now.
   */
  readonly joins: 'continues' | 'restarts' | 'new-epoch';
}

/** The numbered stream of changes that a process follows. */
export interface Feed {
  /**
   * The first batch `restarts`, with all floors. Ends when the signal aborts; a failure to read is retried inside, at a
   * bounded rate, for as long as it takes: silence is what the reader sees.
   */
  follow(signal: AbortSignal): AsyncIterable<Batch>;
}
