// How Redis is, as an operator wants to know it: who holds which slots, how far each master's records are, where the
// feed stands, and who is registered.

import { readAbout } from '../feed/message.ts';
import type { SourceMs } from '../health-code.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { listProcesses, type Registered } from '../redis/processes.ts';
import { FEED_KEY, HEAD_KEY } from '../redis/scripts.ts';
import { SLOTS, slotOf } from '../redis/slots.ts';

export interface RedisState {
  readonly masters: readonly MasterState[];
  /** That nobody holds. */
  readonly slotsLost: number;
  /** undefined: no relay has led yet, or the node that holds it does not answer */
  readonly feed: FeedState | undefined;
  /** undefined: the list cannot be read */
  readonly registered: readonly Registered[] | undefined;
}

export interface MasterState {
  readonly name: string;
  readonly slots: number;
  readonly connected: boolean;
  /** undefined: it has none, or does not answer */
  readonly mark: MarkState | undefined;
  /** Why it did not answer. */
  readonly trouble: string | undefined;
}

export interface MarkState {
  readonly keyspace: string;
  readonly at: SourceMs;
  readonly epoch: string;
  readonly term: number;
}

export interface FeedState {
  /** Of the last batch: term-number. */
  readonly position: string;
  readonly at: SourceMs;
  readonly epoch: string;
  readonly batches: number;
  /** Of whoever may append. */
  readonly term: number;
}

const TIMEOUT_MS = 1_000;

export async function readRedisState(nodes: RedisNodes): Promise<RedisState> {
  const slots = nodes.slotCounts();
  const held = [...slots.values()].reduce((sum, count) => sum + count, 0);
  const [masters, feed, registered] = await Promise.all([
    Promise.all(nodes.masters.map((node) => readMaster(node, slots.get(node.name) ?? 0))),
    readFeed(nodes).catch(() => undefined),
    listProcesses(nodes, TIMEOUT_MS).catch(() => undefined),
  ]);
  masters.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { masters, slotsLost: SLOTS - held, feed, registered };
}

async function readMaster(node: RedisNode, slots: number): Promise<MasterState> {
  const { name } = node;
  try {
    const fields = ['keyspace', 'at', 'epoch', 'term'];
    const reply = await node.command(['HMGET', node.markKey, ...fields], TIMEOUT_MS);
    const [keyspace, at, epoch, term] = reply as (Buffer | null)[];
    const mark = keyspace
      ? { keyspace: `${keyspace}`, at: Number(at), epoch: `${epoch}`, term: Number(term) }
      : undefined;
    return { name, slots, connected: true, mark, trouble: undefined };
  } catch (error) {
    const trouble = (error as Error).message;
    return { name, slots, connected: node.connected, mark: undefined, trouble };
  }
}

async function readFeed(nodes: RedisNodes): Promise<FeedState | undefined> {
  const node = nodes.nodeOf(slotOf(FEED_KEY));
  if (!node) return undefined;
  const [last, head, length] = await Promise.all([
    node.command(['XREVRANGE', FEED_KEY, '+', '-', 'COUNT', 1], TIMEOUT_MS),
    node.command(['HMGET', HEAD_KEY, 'term'], TIMEOUT_MS),
    node.command(['XLEN', FEED_KEY], TIMEOUT_MS),
  ]);
  const [entry] = last as [Buffer, Buffer[]][];
  if (!entry) return undefined;
  const [id, fields] = entry;
  const about = fields[fields.findIndex((field) => String(field) === 'about') + 1];
  const { cursor } = readAbout(String(about));
  const [term] = head as (Buffer | null)[];
  return {
    position: String(id),
    at: cursor.at,
    epoch: cursor.epoch,
    batches: Number(length),
    term: Number(term),
  };
}
