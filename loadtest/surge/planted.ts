// Lies in Redis that pass every check: each record keeps its place, its subject and its version, and says something
// else, under a new checksum. What no check can find, the script must.

import { crc32 } from 'node:zlib';
import { Redis } from 'ioredis';
import type { Rig } from '../rig/rig.ts';

export type Lie = 'wrong-color' | 'another-person';

/** Of each node, one record in so many, and so many at most. */
const [ONE_IN, RECORDS_MAX] = [20, 20_000];
/** Where things lie in an envelope: see lookup/layers/record-codec.ts. */
const [CHECKED_FROM, META, SUBJECT, PHOTO] = [5, 19, 20, 36];
const COLOR_BITS = 0b11;

/** @returns what ends it: nothing need be done, what Redis holds is gone with the run */
export async function plant(rig: Rig, lie: Lie): Promise<() => Promise<void>> {
  let planted = 0;
  for (const node of await rig.redis.masters()) {
    const client = new Redis({ host: '127.0.0.1', port: node.port, protocol: 2 });
    client.on('error', () => {});
    try {
      planted += await plantOn(client, lie);
    } finally {
      client.disconnect();
    }
  }
  if (planted === 0) throw new Error('no record was found in Redis that could be falsified');
  return async () => {};
}

async function plantOn(client: Redis, lie: Lie): Promise<number> {
  let [cursor, planted, seen] = ['0', 0, 0];
  let other: Buffer | undefined;
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', 'p*', 'COUNT', 1_000);
    cursor = next;
    for (const key of keys) {
      for (const [field, record] of await recordsOf(client, key)) {
        if (seen++ % ONE_IN > 0) continue;
        const told = lie === 'wrong-color' ? recolored(record) : other && tellingOf(record, other);
        other = record;
        if (!told) continue;
        await client.hset(key, field, told);
        planted++;
      }
    }
  } while (cursor !== '0' && planted < RECORDS_MAX);
  return planted;
}

/** Fields and records of a hash; empty for whatever is no hash of records. */
async function recordsOf(client: Redis, key: string): Promise<[Buffer, Buffer][]> {
  const all = (await client.callBuffer('HGETALL', key)) as Buffer[];
  return Array.from({ length: all.length / 2 }, (_, i): [Buffer, Buffer] => [
    all[2 * i] as Buffer,
    all[2 * i + 1] as Buffer,
  ]).filter(([, record]) => record.length > PHOTO);
}

function recolored(record: Buffer): Buffer {
  const told = Buffer.from(record);
  const meta = told[META] as number;
  told[META] = (meta & ~COLOR_BITS) | (((meta & COLOR_BITS) % 3) + 1);
  return checked(told);
}

/** What lies in `other`, as if it were of this record's person. */
function tellingOf(record: Buffer, other: Buffer): Buffer {
  const told = Buffer.from(other);
  record.copy(told, CHECKED_FROM, CHECKED_FROM, META);
  record.copy(told, SUBJECT, SUBJECT, PHOTO);
  return checked(told);
}

function checked(told: Buffer): Buffer {
  told.writeUInt32BE(crc32(told.subarray(CHECKED_FROM)), 1);
  return told;
}
