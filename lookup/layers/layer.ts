import type { PersonRecord, SourceMs, Subject, Tombstone } from '../health-code.ts';

/** A record that a layer beyond memory holds, and how far the layer was when it was read. */
export interface LayerHit {
  readonly person: PersonRecord | Tombstone;
  /** The transaction that wrote this version. */
  readonly xid: number;
  /** All that was committed up to here was in the layer: the record was current then, or later. */
  readonly asOf: SourceMs;
  /** The source's epoch, of which `asOf` and the version are. */
  readonly epoch: string;
}

/** What one read of a layer brought. */
export interface LayerRead {
  /** undefined: a miss */
  readonly hit: LayerHit | undefined;
  /**
   * Keeps what was read from the source after this read, unless a newer version is there. Does not wait, and may come
   * to nothing. @param asOf the statement's time
   */
  fill(person: PersonRecord, xid: number, asOf: SourceMs): void;
}

/** It takes long, and may still come. */
export interface LayerLate {
  /** As {@link Layer.get}, in the end. */
  readonly late: Promise<LayerRead | undefined>;
}

/** Something that may remember, between memory and the source. */
export interface Layer {
  readonly name: 'redis';
  /** @returns undefined when it does not know: it is away or overloaded. Never rejects, never waits for long. */
  get(subject: Subject): Promise<LayerRead | LayerLate | undefined>;
}
