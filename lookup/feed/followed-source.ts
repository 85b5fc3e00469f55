// Pages of people, of the source that Redis follows: one that lost history gives the same versions and transaction
// numbers to other changes, and what it says would look as if it fitted what lies there.

import { abortedAfter } from '../guards/timeout.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import { type NodePosition, readMark } from '../redis/records.ts';
import { type PeoplePage, readPeople } from '../source/people.ts';
import type { Sql } from '../source/sql.ts';

export class LostHistoryError extends Error {
  override readonly name = 'LostHistoryError';
}

const TIMEOUT_MS = 2_000;
/** Of a page, which takes a tenth of a second: a connection that was lost says nothing. */
const PAGE_TIMEOUT_MS = 10_000;

/** By the node's name. */
export type Marks = ReadonlyMap<string, NodePosition>;

/** Of those who answer. */
export async function readMarks(nodes: RedisNodes): Promise<Marks> {
  const found = new Map<string, NodePosition>();
  const asking = nodes.masters.map(async (node) => {
    try {
      const mark = await readMark(node, TIMEOUT_MS);
      if (mark) found.set(node.name, mark);
    } catch {
      // Nothing can be written there either.
    }
  });
  await Promise.all(asking);
  return found;
}

/**
 * A page of the source that Redis follows.
 * @param marks from before
 * @throws LostHistoryError; or when it takes too long (a command's session, which takes no signal, waits)
 */
export async function readPage(
  sql: Sql,
  marks: Marks,
  after: string,
  limit: number,
  signal: AbortSignal,
): Promise<PeoplePage> {
  const all = [...marks.values()].sort((a, b) => b.at - a.at);
  const tokens = all.flatMap(({ token }) => token ?? []);
  const read = (ending: AbortSignal) => readPeople(sql, after, limit, tokens, ending);
  const page = await abortedAfter(PAGE_TIMEOUT_MS, read, signal);
  // The newest: of a node that was away for long, the source may have forgotten it. A mark of another epoch takes
  // nothing of this page.
  const newest = all.find(({ epoch, token }) => token && epoch === page.epoch);
  if (newest?.token && !page.tokens.includes(newest.token))
    throw new LostHistoryError(
      'the source lacks what Redis follows: it is a copy, or was restored from a backup. A relay that leads on it ' +
        'sets it right',
    );
  return page;
}
