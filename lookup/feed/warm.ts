// Fills Redis from the source: by pages, beside live changes. A page is written only where no newer record lies, into
// the keyspace that its node had before the page was read: if the node was emptied since, the page is read again. And
// only of the source whose history Redis follows: another gives the same numbers to other transactions.

import { idToUuid } from '../health-code.ts';
import { byNode } from '../redis/by-node.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { FILL } from '../redis/scripts.ts';
import { FIRST_PAGE, type PeoplePage } from '../source/people.ts';
import type { Sql } from '../source/sql.ts';
import { type Marks, readMarks, readPage } from './followed-source.ts';
import { packPlaced } from './node-writer.ts';
import { pause } from './pause.ts';

export interface WarmOptions {
  readonly fenceMs: number;
  /** Subjects as uuid, from where another warm-up ended. */
  readonly after?: string;
  /** Only the people of these nodes, by name; undefined: of all. */
  readonly only?: ReadonlySet<string>;
  readonly pagePeople?: number;
  /** people a second, at most */
  readonly perS?: number;
  /**
   * Told after each page that lies in Redis: how many people so far, and after whom another warm-up would continue;
   * undefined: these were the last.
   */
  readonly onWritten?: (people: number, next: string | undefined) => void;
}

export interface Warmed {
  readonly people: number;
  /** Records that were not there, or older. */
  readonly written: number;
}

const PAGE_PEOPLE = 5_000;
const RECORDS_A_CALL = 500;
const TRIES_MAX = 20;
const RETRY_MS = 250;
const CALL_TIMEOUT_MS = 2_000;

/** @throws LostHistoryError; when the source cannot be read, or a node cannot be written for several seconds */
export async function warm(
  sql: Sql,
  nodes: RedisNodes,
  options: WarmOptions,
  signal: AbortSignal,
): Promise<Warmed> {
  const limit = options.pagePeople ?? PAGE_PEOPLE;
  const began = performance.now();
  let people = 0;
  let written = 0;
  let next: string | undefined = options.after ?? FIRST_PAGE;
  let writing: Promise<number> | undefined;
  // The page before is written while this one is read.
  const finish = async (read: number, after: string | undefined) => {
    if (!writing) return;
    written += await writing;
    if (!signal.aborted) options.onWritten?.(read, after);
  };
  let asking = readMarks(nodes);
  while (next !== undefined && !signal.aborted) {
    const after: string = next;
    const marks = await asking;
    // Those of the next page, which is read after: they may wait behind what is written.
    asking = readMarks(nodes);
    const page = await readPage(sql, marks, after, limit, signal);
    await finish(people, after);
    writing = writePage(sql, nodes, options, { after, limit, page, marks }, signal);
    // Awaited above or below; until then its failure is nobody's.
    writing.catch(() => {});
    people += page.people.length;
    next = page.next;
    if (options.perS) await pace(began, people, options.perS, signal);
  }
  await finish(people, next);
  return { people, written };
}

interface Page {
  readonly after: string;
  readonly limit: number;
  readonly page: PeoplePage;
  readonly marks: Marks;
}

async function writePage(
  sql: Sql,
  nodes: RedisNodes,
  options: WarmOptions,
  first: Page,
  signal: AbortSignal,
): Promise<number> {
  const wanted = (node: RedisNode) => !options.only || options.only.has(node.name);
  let written = 0;
  let { page, marks } = first;
  for (let tries = 1; ; tries++) {
    const again = new Set<string>();
    const placed = page.people.map(packPlaced);
    const { sorted, homeless } = byNode(nodes, placed, ({ slot }) => slot);
    // A node that was emptied asks for its own people only, and others may be away just then.
    if (homeless && !options.only) again.add('a slot that no node holds');
    const calls = [...sorted].map(async ([node, list]) => {
      if (!wanted(node)) return;
      const records = list.map(({ bytes }) => bytes);
      const keyspace = marks.get(node.name)?.keyspace;
      const done = await fillNode(node, records, page, keyspace, options.fenceMs);
      if (done === undefined) again.add(node.name);
      else written += done;
    });
    await Promise.all(calls);
    if (again.size === 0 || signal.aborted) return written;
    if (tries === TRIES_MAX) throw new Error(`cannot be filled: ${[...again].join(', ')}`);
    // All of it again: what one node did not take may belong to another by now.
    await pause(RETRY_MS, signal);
    nodes.refresh();
    marks = await readMarks(nodes);
    page = await readAgain(sql, marks, first, signal);
  }
}

/** The same stretch of people once more, whoever has come into it since. */
async function readAgain(
  sql: Sql,
  marks: Marks,
  { after, limit, page }: Page,
  signal: AbortSignal,
): Promise<PeoplePage> {
  const last = page.people.at(-1)?.subject;
  let read = await readPage(sql, marks, after, limit, signal);
  while (last !== undefined && read.next !== undefined && read.next < idToUuid(last)) {
    const more = await readPage(sql, marks, read.next, limit, signal);
    // The time of the first, which is the earliest.
    read = { ...read, people: read.people.concat(more.people), next: more.next };
  }
  return read;
}

/** @returns undefined when the node refused, or did not answer */
async function fillNode(
  node: RedisNode,
  records: readonly Buffer[],
  page: PeoplePage,
  keyspace: string | undefined,
  fenceMs: number,
): Promise<number | undefined> {
  if (!keyspace) return undefined;
  let written = 0;
  try {
    for (let at = 0; at < records.length; at += RECORDS_A_CALL) {
      const packed = Buffer.concat(records.slice(at, at + RECORDS_A_CALL));
      const args = [keyspace, page.asOf, fenceMs, page.epoch, packed];
      const done = Number(await node.run(FILL, [node.markKey], args, CALL_TIMEOUT_MS));
      if (done < 0) return undefined;
      written += done;
    }
  } catch {
    return undefined;
  }
  return written;
}

async function pace(
  began: number,
  people: number,
  perS: number,
  signal: AbortSignal,
): Promise<void> {
  const waitMs = (people / perS) * 1_000 - (performance.now() - began);
  if (waitMs > 1) await pause(waitMs, signal);
}
