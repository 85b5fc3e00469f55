import type { PersonRecord, SourceMs, Subject } from '../health-code.ts';

/** What a layer beyond memory gives back: a record, and how far the layer was when it was read. */
export interface LayerHit {
  readonly record: PersonRecord;
  /** The record was current at this instant of the source's clock, or later. */
  readonly asOf: SourceMs;
}

/**
 * Something that may remember, between memory and the source. I/O only: it neither retries nor times out nor forgives.
 * Throws when it does not know; undefined is a miss.
 */
export interface Layer {
  readonly name: 'redis';
  get(subject: Subject, signal: AbortSignal): Promise<LayerHit | undefined>;
  /** Keeps the record unless a newer version is there. */
  set(record: PersonRecord): Promise<void>;
  drop(subject: Subject): Promise<void>;
}
