// How fast Redis is filled from the source, and what a record takes there.

import { configWith } from '../config.ts';
import { packPlaced } from '../feed/node-writer.ts';
import { warm } from '../feed/warm.ts';
import { uuidToId } from '../health-code.ts';
import type { RedisNode, Script } from '../redis/nodes.ts';
import { BUCKETS, slotOfBucket } from '../redis/slots.ts';
import type { Bench } from './bench.ts';
import { AREAS, photoUuidOf, subjectOf } from './population.ts';
import { openBenchSql } from './server-system.ts';
import type { System } from './system.ts';

const ROUNDS = 3;
const TIMEOUT_MS = 30_000;
const FULL_CITY = 10_000_000;
const SAMPLE = 200_000;
const RECORDS_A_CALL = 500;

const script = (name: string, lua: string): Script => ({ name, lua, sha1: '0'.repeat(40) });

/** ARGV cursor, pattern -> the next cursor. */
const FORGET = script(
  'bench-forget',
  `local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 2000)
for _, key in ipairs(found[2]) do redis.call('UNLINK', key) end
return found[1]`,
);

/** ARGV prefix, packed: wherever they belong. */
const STORE = script(
  'bench-store',
  `local packed, i = ARGV[2], 1
while i <= #packed do
  local length = string.byte(packed, i + 9)
  redis.call('HSET', ARGV[1] .. struct.unpack('>I3', packed, i) .. '}', string.sub(packed, i + 3, i + 8),
    string.sub(packed, i + 10, i + 9 + length))
  i = i + 10 + length
end`,
);

/** Leaves Redis with all people. */
export async function measureWarm(bench: Bench, system: System): Promise<void> {
  const { people } = system.city;
  const rounds = bench.short || !bench.wants('warm') ? 1 : ROUNDS;
  const { fenceMs } = configWith({});
  const before = await system.usedMemory();
  const perS: number[] = [];
  for (let i = 0; i < rounds; i++) {
    if (i > 0) await forget(system, 'p*');
    const sql = openBenchSql(system.backing.places.postgresUrl, 1, TIMEOUT_MS);
    const began = performance.now();
    const { written } = await warm(sql, system.nodes, { fenceMs }, AbortSignal.timeout(600_000));
    const seconds = (performance.now() - began) / 1_000;
    await sql.close();
    if (written !== people) throw new Error(`${written} of ${people} people were written`);
    perS.push(people / seconds);
    bench.say(`  round ${i + 1}/${rounds}  warm  ${Math.round(people / seconds)} people/s`);
  }
  bench.figures.add('warm_records_per_s', perS, { least: Math.ceil(FULL_CITY / 150) });
  const bytes = ((await system.usedMemory()) - before) / people;
  bench.figures.add('redis_bytes_per_record_in_this_city', bytes);
  bench.figures.note('city_people', people);
}

/**
 * A bucket's own cost is shared by those who lie in it. Here some buckets are as full as all are in a full city, so
 * that what a record takes there is measured and not reckoned.
 */
export async function measureBytes(bench: Bench, system: System): Promise<void> {
  const buckets = Math.round((SAMPLE / FULL_CITY) * BUCKETS);
  const before = await system.usedMemory();
  const waiting = new Map<RedisNode, Buffer[]>();
  const send = async (node: RedisNode) => {
    const packed = Buffer.concat(waiting.get(node) ?? []);
    waiting.delete(node);
    // As long as the keys of the records that are there.
    await node.run(STORE, [node.markKey], ['q0123456789ab:{', packed], TIMEOUT_MS);
  };
  for (let n = 0; n < SAMPLE; n++) {
    const areas = n % 2 === 0 ? [1 + (n % AREAS)] : [1 + (n % AREAS), 1 + ((n * 7) % AREAS)];
    const photo = uuidToId(photoUuidOf(n));
    const person = {
      subject: subjectOf(n),
      version: n + 1,
      xid: 1_000,
      color: 1,
      areas,
      photo,
    } as const;
    const { bytes } = packPlaced(person);
    const bucket = bytes.readUIntBE(0, 3) % buckets;
    bytes.writeUIntBE(bucket, 0, 3);
    const node = system.nodes.nodeOf(slotOfBucket(bucket));
    if (!node) throw new Error('a slot has no node');
    const list = waiting.get(node) ?? [];
    waiting.set(node, list);
    if (list.push(bytes) >= RECORDS_A_CALL) await send(node);
  }
  for (const node of [...waiting.keys()]) await send(node);
  const bytes = ((await system.usedMemory()) - before) / SAMPLE;
  await forget(system, 'q*');
  bench.figures.add('redis_bytes_per_record', bytes, { most: 100 });
}

async function forget(system: System, pattern: string): Promise<void> {
  for (const node of system.nodes.masters) {
    let cursor = '0';
    do cursor = String(await node.run(FORGET, [], [cursor, pattern], TIMEOUT_MS));
    while (cursor !== '0');
  }
}
