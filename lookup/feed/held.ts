import type { PersonRecord, Subject } from '../health-code.ts';
import type { Batch } from './feed.ts';
import type { Freshness } from './freshness.ts';

/** What this process holds, as far as a batch of changes touches it. */
export interface Held {
  readonly memory: {
    clear(): void;
    drop(subject: Subject): void;
    update(record: PersonRecord, generation: number): void;
  };
  readonly negatives: { clear(): void; delete(subject: Subject): void };
  /** Answers that were read whole. */
  readonly whole: { clear(): void; delete(subject: Subject): void };
}

/** In one tick: how fresh this process is, and with it all that it holds. */
export function applyBatch(batch: Batch, freshness: Freshness, held: Held): void {
  const before = freshness.generation;
  freshness.apply(batch);
  if (freshness.generation < before) held.memory.clear();
  if (batch.joins === 'new-epoch') held.whole.clear();
  if (batch.joins !== 'continues' || batch.firstLoad) held.negatives.clear();
  for (const change of batch.people) {
    held.negatives.delete(change.subject);
    held.whole.delete(change.subject);
    // A feed that is followed from an earlier place tells again what was overtaken since, and by then answered.
    if ('erased' in change || freshness.isOvertaken(change.subject, change.version))
      held.memory.drop(change.subject);
    else held.memory.update(change, freshness.generation);
  }
}
