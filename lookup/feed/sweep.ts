import { abortedAfter } from '../guards/timeout.ts';
import { uuidToId } from '../health-code.ts';
import { byNode } from '../redis/by-node.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { SWEEP, SWEEP_KEYSPACES } from '../redis/scripts.ts';
import { PLACE_BYTES, placeInto, slotOfBucket } from '../redis/slots.ts';
import type { Sql, Statement } from '../source/sql.ts';
import { pause } from './pause.ts';

const TOMBSTONES: Statement = {
  name: 'tombstones',
  text: `select subject::text as subject, version::text as version
    from lookup_tombstones(make_interval(secs => $1::float8 / 1000))`,
};
const BURY: Statement = {
  name: 'bury',
  text: `select lookup_bury($1::uuid[], make_interval(secs => $2::float8 / 1000))::text as done`,
};

const CALL_TIMEOUT_MS = 1_000;
const SWEEP_EVERY_MS = 5_000;
const KEYS_A_STEP = 500;
const STEP_PAUSE_MS = 5;

/**
 * Forgets people who were erased long enough ago: first where they lie in Redis, then in the source. What fails stays,
 * in the source too, and is tried again.
 * @returns how many
 */
export async function sweepTombstones(
  sql: Sql,
  nodes: RedisNodes | undefined,
  tombstoneMs: number,
  signal: AbortSignal,
): Promise<number> {
  type Row = { subject: string; version: string };
  const rows = await sql.query<Row>(TOMBSTONES, [tombstoneMs], signal);
  if (rows.length === 0) return 0;
  if (nodes) await sweepRedis(nodes, rows);
  const subjects = rows.map((row) => row.subject);
  await sql.query(BURY, [subjects, tombstoneMs], signal);
  return rows.length;
}

/** The same, again and again until the signal aborts. @param mayNow only one process need do it */
export async function keepSwept(
  sql: Sql,
  nodes: RedisNodes | undefined,
  tombstoneMs: number,
  mayNow: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pause(Math.min(SWEEP_EVERY_MS, tombstoneMs), signal);
    if (!mayNow() || signal.aborted) continue;
    const sweep = (within: AbortSignal) => sweepTombstones(sql, nodes, tombstoneMs, within);
    await abortedAfter(SWEEP_EVERY_MS, sweep, signal).catch(() => {});
  }
}

/**
 * Removes what a node holds of keyspaces that it no longer uses, in small steps. A node that fails keeps it for now.
 */
export async function sweepKeyspaces(node: RedisNode, signal: AbortSignal): Promise<void> {
  let cursor = '0';
  try {
    do {
      const args = [cursor, KEYS_A_STEP];
      const next = await node.run(SWEEP_KEYSPACES, [node.markKey], args, CALL_TIMEOUT_MS);
      cursor = String(next);
      await pause(STEP_PAUSE_MS, signal);
    } while (cursor !== '0' && !signal.aborted);
  } catch {
    // It costs room, and nothing else.
  }
}

async function sweepRedis(
  nodes: RedisNodes,
  rows: readonly { subject: string; version: string }[],
): Promise<void> {
  const placed = rows.map(({ subject, version }) => {
    const bytes = Buffer.allocUnsafe(PLACE_BYTES + 8);
    const slot = slotOfBucket(placeInto(bytes, 0, uuidToId(subject)));
    bytes.writeDoubleBE(Number(version), PLACE_BYTES);
    return { slot, bytes };
  });
  const { sorted, homeless } = byNode(nodes, placed, ({ slot }) => slot);
  if (homeless) throw new Error('a slot has no node');
  const calls = [...sorted].map(([node, list]) => {
    const packed = Buffer.concat(list.map(({ bytes }) => bytes));
    return node.run(SWEEP, [node.markKey], [packed], CALL_TIMEOUT_MS);
  });
  await Promise.all(calls);
}
