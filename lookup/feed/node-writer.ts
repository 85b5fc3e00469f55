// One master, as the relay writes it. Every write names the one before it on that node; the node refuses when it has
// not got that one (it restarted from an old dump, or a replica took over that lacked it), and is then brought up to
// date from where its mark says it stands. So a mark never says more than what lies on its node.

import { randomBytes } from 'node:crypto';
import { ENVELOPE_BYTES_MAX, encodeInto } from '../layers/record-codec.ts';
import type { RedisNode } from '../redis/nodes.ts';
import { BEGIN_NODE, CLAIM_NODE, RELAY_WRITE } from '../redis/scripts.ts';
import { PLACE_BYTES, placeInto, slotOfBucket } from '../redis/slots.ts';
import type { Cursor, PersonChange } from './feed.ts';

export interface NodeWriterOptions {
  readonly relayWriteTimeoutMs: number;
  readonly relayWriteRecordsMax: number;
}

/** Another relay leads now. */
export class TermOverError extends Error {
  override readonly name = 'TermOverError';
}

export interface Packed {
  readonly slot: number;
  readonly bytes: Buffer;
}

/** A record with its place, as the scripts take it. */
export function packPlaced(person: PersonChange): Packed {
  const bytes = Buffer.allocUnsafe(PLACE_BYTES + 1 + ENVELOPE_BYTES_MAX);
  const bucket = placeInto(bytes, 0, person.subject);
  const length = encodeInto(bytes, PLACE_BYTES + 1, person, person.xid);
  bytes[PLACE_BYTES] = length;
  return { slot: slotOfBucket(bucket), bytes: bytes.subarray(0, PLACE_BYTES + 1 + length) };
}

/**
 * current: has all that was delivered. caught: had all up to its cursor, and needs what came since. behind: not known
 * yet, or away.
 */
export type NodeState = 'current' | 'caught' | 'behind';

export class NodeWriter {
  readonly node: RedisNode;
  readonly #term: number;
  readonly #options: NodeWriterOptions;
  state: NodeState = 'behind';
  /** All up to here is on the node. */
  cursor: Cursor | undefined;
  #link = '';

  constructor(node: RedisNode, term: number, options: NodeWriterOptions) {
    this.node = node;
    this.#term = term;
    this.#options = options;
  }

  /**
   * Takes the node over, and learns where it stands.
   * @returns its mark's cursor; undefined when it has none (it is new, or was emptied)
   * @throws TermOverError, or when the node does not answer
   */
  async claim(): Promise<Cursor | undefined> {
    const link = newLink();
    const reply = await this.#run(CLAIM_NODE, [this.#term, link]);
    const mark = requireMark(reply);
    if (mark.length === 0) return undefined;
    this.#link = link;
    return JSON.parse((mark[3] as Buffer).toString()) as Cursor;
  }

  /** Its records, if any, are worth nothing: new ones lie elsewhere from now on. */
  async begin(keyspace: string, cursor: Cursor): Promise<void> {
    const link = newLink();
    const about = [keyspace, cursor.at, cursor.epoch, JSON.stringify(cursor)];
    requireMark(await this.#run(BEGIN_NODE, [this.#term, link, ...about]));
    this.#link = link;
    this.cursor = cursor;
  }

  /**
   * Writes records, and with the last of them the mark.
   * @param cursor undefined: these are not all that lie before the next mark
   * @throws TermOverError; or any other error: then the node is behind
   */
  async write(records: readonly Buffer[], cursor: Cursor | undefined): Promise<void> {
    const most = this.#options.relayWriteRecordsMax;
    for (let at = 0; at === 0 || at < records.length; at += most) {
      const piece = records.slice(at, at + most);
      const isLast = at + most >= records.length;
      if (piece.length === 0 && !cursor) return;
      await this.#writePiece(Buffer.concat(piece), isLast ? cursor : undefined);
    }
    if (cursor) this.cursor = cursor;
  }

  async #writePiece(packed: Buffer, cursor: Cursor | undefined): Promise<void> {
    const link = newLink();
    const mark = cursor ? [cursor.at, cursor.epoch, JSON.stringify(cursor)] : [];
    const reply = await this.#run(RELAY_WRITE, [this.#term, this.#link, link, packed, ...mark]);
    if (Buffer.isBuffer(reply)) {
      this.#link = link;
      return;
    }
    const [, , , , , term] = reply as (Buffer | null)[];
    if (term && Number(term) > this.#term) throw new TermOverError('a later term writes this node');
    throw new Error(`${this.node.name} has not got what was written there before`);
  }

  #run(script: Parameters<RedisNode['run']>[0], args: readonly (string | number | Buffer)[]) {
    return this.node.run(script, [this.node.markKey], args, this.#options.relayWriteTimeoutMs);
  }
}

const newLink = () => randomBytes(9).toString('base64url');

function requireMark(reply: unknown): (Buffer | null)[] {
  if (Array.isArray(reply)) return reply as (Buffer | null)[];
  if (Buffer.isBuffer(reply) && reply.toString() === 'ok') return [];
  throw new TermOverError('a later term writes this node');
}
