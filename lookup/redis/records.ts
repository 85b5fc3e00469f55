// What lies in Redis, as it lies there: for those who look at it, and not for the path of an answer.

import type { RedisNode } from './nodes.ts';
import { READ, READ_BUCKETS, READ_MARK } from './scripts.ts';

/** How far a node's records are. */
export interface NodeMark {
  readonly keyspace: string;
  /** Resolved time: all that was committed up to here is on this node. */
  readonly at: number;
  /** The source's, of which `at` is. */
  readonly epoch: string;
}

export interface NodePosition extends NodeMark {
  /** The newest of the source's history that the relay had seen by then; undefined: it had none yet. */
  readonly token: string | undefined;
}

/** Packed values with the mark of their node, read in one step. */
export interface NodeRecords {
  readonly mark: NodeMark;
  readonly values: readonly Buffer[];
}

/**
 * @param places PLACE_BYTES each, all on this node
 * @returns for each place what lies there, empty: nothing; undefined: the node has no mark, and so no records
 * @throws when it does not answer
 */
export function readPlaces(node: RedisNode, places: readonly Buffer[], timeoutMs: number) {
  const packed = Buffer.concat(places);
  return read(node.run(READ, [node.markKey], [packed], timeoutMs));
}

/** All that lies in buckets of this node, in no order; else as {@link readPlaces}. */
export function readBuckets(node: RedisNode, buckets: readonly number[], timeoutMs: number) {
  const packed = Buffer.allocUnsafe(buckets.length * 3);
  for (const [i, bucket] of buckets.entries()) packed.writeUIntBE(bucket, i * 3, 3);
  return read(node.run(READ_BUCKETS, [node.markKey], [packed], timeoutMs));
}

/** @returns undefined when the node has none; throws when it does not answer */
export async function readMark(
  node: RedisNode,
  timeoutMs: number,
): Promise<NodePosition | undefined> {
  const reply = (await node.run(READ_MARK, [node.markKey], [], timeoutMs)) as Buffer[];
  const [keyspace, at, epoch, cursor] = reply.map(String);
  if (keyspace === undefined) return undefined;
  const { token } = JSON.parse(cursor as string) as { token?: string };
  return { keyspace, at: Number(at), epoch: epoch as string, token };
}

async function read(replying: Promise<unknown>): Promise<NodeRecords | undefined> {
  const [keyspace, at, epoch, found] = (await replying) as Buffer[];
  if (!found) return undefined;
  const values: Buffer[] = [];
  for (let offset = 0; offset < found.length; ) {
    const end = offset + 1 + (found[offset] as number);
    values.push(found.subarray(offset + 1, end));
    offset = end;
  }
  return { mark: { keyspace: String(keyspace), at: Number(at), epoch: String(epoch) }, values };
}
