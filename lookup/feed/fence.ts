import type { Clock } from '../clock.ts';
import type { Subject } from '../health-code.ts';
import { VersionTable } from './version-table.ts';

/**
 * The newest version known of each subject that changed, was answered or was evicted lately. It refuses what is
 * older, so that a read which raced a change can undo nothing. Two tables, of which the older is dropped in turn: every
 * version is kept for at least `fenceMs`, or until too many came, and from then on reads that began before are not
 * kept either. While the process is suspect none expires: no feed would tell of the change again.
 */
export class Fence {
  readonly #fenceMs: number;
  readonly #entriesMax: number;
  readonly #clock: Clock;
  readonly #mayExpire: () => boolean;
  #young = new VersionTable();
  #old = new VersionTable();
  #youngSinceMonoMs: number;
  #completeSinceMonoMs: number;

  /** @param mayExpire whether time alone lets a version go, just now */
  constructor(
    options: { fenceMs: number; fenceEntriesMax: number },
    clock: Clock,
    mayExpire: () => boolean,
  ) {
    this.#fenceMs = options.fenceMs;
    this.#entriesMax = Math.max(1, Math.floor(options.fenceEntriesMax / 2));
    this.#clock = clock;
    this.#mayExpire = mayExpire;
    this.#youngSinceMonoMs = clock.monoMs();
    this.#completeSinceMonoMs = this.#youngSinceMonoMs;
  }

  /** Subjects whose version is kept. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** A read that began before this knows nothing of changes that the fence has forgotten: not to be kept. */
  get completeSinceMonoMs(): number {
    return this.#completeSinceMonoMs;
  }

  /** @param erased the version is a tombstone's: this subject may well be absent */
  note(subject: Subject, version: number, erased = false): void {
    const now = this.#clock.monoMs();
    const isDue = now - this.#youngSinceMonoMs >= this.#fenceMs;
    if (this.#young.size >= this.#entriesMax || (isDue && this.#mayExpire())) this.#turn(now);
    // Also the same again: its time begins anew.
    if (version >= this.versionOf(subject)) this.#young.set(subject, erased ? -version : version);
  }

  /** The newest version known of this subject lately; 0 when none is. */
  versionOf(subject: Subject): number {
    return Math.abs(this.#young.get(subject) || this.#old.get(subject));
  }

  /** Whether a person is known to have lived lately: then "absent" is not to be believed of an earlier read. */
  isAlive(subject: Subject): boolean {
    return (this.#young.get(subject) || this.#old.get(subject)) > 0;
  }

  /** Nothing that began before now is to be kept: what was missed is not known. */
  restart(): void {
    this.#completeSinceMonoMs = this.#clock.monoMs();
  }

  /** Versions of before cannot be compared with those of now. */
  forget(): void {
    this.#young = new VersionTable();
    this.#old = new VersionTable();
    this.#youngSinceMonoMs = this.#clock.monoMs();
    this.restart();
  }

  #turn(now: number): void {
    this.#old = this.#young;
    this.#young = new VersionTable();
    // What is older than the youngest table's start has just been forgotten.
    this.#completeSinceMonoMs = Math.max(this.#completeSinceMonoMs, this.#youngSinceMonoMs);
    this.#youngSinceMonoMs = now;
  }
}
