import type { PersonRecord, SourceMs, Subject } from '../health-code.ts';

/** A person as the source has them, with what a caller needs to answer from this one statement alone. */
export interface SourceRow {
  readonly record: PersonRecord;
  /** The transaction that wrote this version: a process keeps the record only once its feed has passed it. */
  readonly xid: number;
  /** Effective color by the floors that this same statement saw; undefined when an area is missing. */
  readonly effective: PersonRecord['color'] | undefined;
}

export interface Loaded {
  /** The statement's time: what it returns was true at some instant after. */
  readonly asOf: SourceMs;
  /** Of which source and history it is; undefined: there is only one. */
  readonly epoch?: string;
  /** Asked subjects that are missing here do not exist. */
  readonly rows: ReadonlyMap<Subject, SourceRow>;
}

/** What is true. */
export interface Source {
  /**
   * Reads these people in one statement. An error means "does not know", never "does not exist".
   * @param subjects at most the configured batch
   * @param signal ends the wait, not necessarily the statement
   */
  load(subjects: readonly Subject[], signal: AbortSignal): Promise<Loaded>;
}

export interface Photo {
  readonly mime: string;
  readonly bytes: Uint8Array;
}

/** Where photos come from: content-addressed, immutable. */
export interface PhotoSource {
  /** @returns undefined when there is no such photo. Throws when it does not know. */
  loadPhoto(id: string, signal: AbortSignal): Promise<Photo | undefined>;
}
