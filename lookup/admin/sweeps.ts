// Through all people, as the source has them and as Redis does; or through some of them.

import { idToUuid, type Subject, uuidToId } from '../health-code.ts';
import { decode } from '../layers/record-codec.ts';
import { byNode } from '../redis/by-node.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import { readBuckets } from '../redis/records.ts';
import { BUCKETS, slotOfBucket } from '../redis/slots.ts';
import { FIRST_PAGE } from '../source/people.ts';
import type { SqlSession } from '../source/sql.ts';
import { type Expected, readExpected, readExpectedAfter } from './expected.ts';
import { countAfter } from './source-state.ts';

/** Everybody whom the source has, in pages. */
export async function* allPeople(session: SqlSession, limit: number): AsyncGenerator<Expected[]> {
  for (let after = FIRST_PAGE; ; ) {
    const page = await readExpectedAfter(session, after, limit);
    yield page;
    const last = page.at(-1);
    if (!last || page.length < limit) return;
    after = idToUuid(last.subject);
  }
}

/** Some of them, in pages of their own. */
export async function* thesePeople(
  session: SqlSession,
  subjects: readonly Subject[],
  limit: number,
): AsyncGenerator<Expected[]> {
  for (let at = 0; at < subjects.length; at += limit)
    yield await readExpected(session, subjects.slice(at, at + limit));
}

/** A table with more people than this is not read as a whole to choose some: blocks of it are. */
const CHOSEN_OF_ALL_MAX = 1_000_000;
/** Blocks are read for so many times those who are wanted, so that neighbors are not all chosen together. */
const READ_FOR_ONE = 20;

/** @returns people chosen at random: `count`, or about so many when there are not many more */
export async function sampleOfPeople(
  session: SqlSession,
  count: number,
  chosenOfAllMax = CHOSEN_OF_ALL_MAX,
): Promise<Subject[]> {
  const total = await countAfter(session, FIRST_PAGE);
  const percent = Math.min(100, (100 * READ_FOR_ONE * count) / Math.max(1, total));
  const from =
    total <= chosenOfAllMax ? 'person' : `person tablesample system (${percent.toFixed(6)})`;
  const rows = await session.query<{ subject: string }>(
    `select subject::text as subject from ${from} order by random() limit $1::integer`,
    [count],
  );
  return rows.map(({ subject }) => uuidToId(subject));
}

const TIMEOUT_MS = 2_000;
/** What a call brings, about: it holds up its node for a few milliseconds. */
const RECORDS_A_CALL = 1_000;
const BUCKETS_A_CALL_MAX = 2_048;

/** Subjects of all records in Redis that can be read, node by node. @throws when a node does not answer */
export async function* subjectsInRedis(nodes: RedisNodes): AsyncGenerator<Subject[]> {
  const all = Array.from({ length: BUCKETS }, (_, bucket) => bucket);
  for (const [node, buckets] of byNode(nodes, all, slotOfBucket).sorted) {
    let some = 8;
    for (let at = 0; at < buckets.length; ) {
      const records = await readBuckets(node, buckets.slice(at, at + some), TIMEOUT_MS);
      const values = records?.values ?? [];
      yield values.flatMap((value) => decode(value)?.person.subject ?? []);
      at += some;
      const fitting = Math.floor((some * RECORDS_A_CALL) / Math.max(1, values.length));
      some = Math.min(Math.max(1, fitting), 2 * some, BUCKETS_A_CALL_MAX);
    }
  }
}
