import type { Batch } from './feed.ts';

/** People who are applied in a few milliseconds: nobody is answered meanwhile. */
export const PEOPLE_AT_ONCE = 250;

/**
 * A batch as it is applied, each part in one turn of the loop. A piece of a large transaction takes no part in floors
 * or resolved time, so it may be told in several; everything else has to move together.
 */
export function* partsOf(batch: Batch): Generator<Batch> {
  const { people, ahead } = batch;
  if (ahead === undefined || people.length <= PEOPLE_AT_ONCE) {
    yield batch;
    return;
  }
  for (let at = 0; at < people.length; at += PEOPLE_AT_ONCE) {
    yield { ...batch, people: people.slice(at, at + PEOPLE_AT_ONCE) };
  }
}
