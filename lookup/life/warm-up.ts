// A starting process fills its memory from Redis before it takes traffic: all of the city would otherwise come to Redis
// at once through an empty memory. By buckets in a random order, so that processes do not all hold the same people.

import { randomInt } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Freshness } from '../feed/freshness.ts';
import { decode } from '../layers/record-codec.ts';
import type { Remembered } from '../layers/remembered.ts';
import { byNode } from '../redis/by-node.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { type NodeRecords, readBuckets } from '../redis/records.ts';
import { BUCKETS, slotOfBucket } from '../redis/slots.ts';

export interface WarmUpParts {
  readonly nodes: RedisNodes;
  readonly memory: Remembered & { readonly size: number };
  readonly freshness: Freshness;
  readonly clock: Clock;
}

export interface WarmUpOptions {
  readonly memoryRecordsMax: number;
  readonly redisWarmMs: number;
}

const BUCKETS_A_CALL = 32;
const CALLS_AT_ONCE = 4;
const CALL_TIMEOUT_MS = 1_000;
const FAILURES_MAX = 50;
const FULL = 0.95;

/** Ends when memory is full, all has been read, or the time is up. @returns records kept */
export async function warmUp(
  parts: WarmUpParts,
  options: WarmUpOptions,
  signal: AbortSignal,
): Promise<number> {
  const { clock, memory } = parts;
  const until = clock.monoMs() + options.redisWarmMs;
  const full = options.memoryRecordsMax * FULL;
  const calls = stretches();
  let failures = 0;
  let kept = 0;
  const isDone = () =>
    signal.aborted || clock.monoMs() >= until || memory.size >= full || failures > FAILURES_MAX;
  const read = async () => {
    while (!isDone()) {
      const buckets = calls.next().value;
      if (!buckets) return;
      for (const [node, list] of byNode(parts.nodes, buckets, slotOfBucket).sorted) {
        const got = await keepBuckets(parts, node, list);
        if (got === undefined) failures += 1;
        else kept += got;
      }
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, read));
  return kept;
}

/** Every bucket once, some at a time: an odd step through a power of two meets them all. */
function* stretches(): Generator<number[], undefined> {
  const step = randomInt(BUCKETS / 2) * 2 + 1;
  let bucket = randomInt(BUCKETS);
  for (let done = 0; done < BUCKETS; done += BUCKETS_A_CALL) {
    const buckets: number[] = [];
    for (let i = 0; i < BUCKETS_A_CALL; i++) {
      buckets.push(bucket);
      bucket = (bucket + step) % BUCKETS;
    }
    yield buckets;
  }
  return undefined;
}

/** @returns records kept; undefined when the node did not answer */
async function keepBuckets(
  { memory, freshness, clock }: WarmUpParts,
  node: RedisNode,
  buckets: readonly number[],
): Promise<number | undefined> {
  const resolved = freshness.resolved;
  const beganMonoMs = clock.monoMs();
  let read: NodeRecords | undefined;
  try {
    read = await readBuckets(node, buckets, CALL_TIMEOUT_MS);
  } catch {
    return undefined;
  }
  // A node that is behind, or of another source: what lies there cannot be vouched for.
  if (!read || read.mark.at < resolved || read.mark.epoch !== freshness.epoch) return 0;
  let kept = 0;
  for (const value of read.values) {
    const envelope = decode(value);
    if (!envelope || 'erased' in envelope.person) continue;
    const { person, xid } = envelope;
    if (!freshness.mayKeep(xid, beganMonoMs)) continue;
    if (freshness.isOvertaken(person.subject, person.version)) continue;
    if (memory.put(person, freshness.generation) >= 0) kept += 1;
  }
  return kept;
}
