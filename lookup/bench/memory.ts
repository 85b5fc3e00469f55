// Process memory a record. Two processes load the same people the same way, one into a memory that holds them all,
// one into a memory of one record, with the same young generation: what the loading itself leaves behind is in both,
// so the difference is what the records cost.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Floors } from '../feed/floors.ts';
import { Memory } from '../layers/memory.ts';
import { AREAS, subjectOf } from './population.ts';

const self = fileURLToPath(import.meta.url);

/** Else it grows by what survives, in the one process only. */
const YOUNG = ['--min-semi-space-size=16', '--max-semi-space-size=16'];

/** @returns bytes of resident memory a record */
export async function measureMemory(records: number): Promise<number> {
  const rssOf = async (held: number) => {
    const args = ['--expose-gc', ...YOUNG, self, String(records), String(held)];
    return Number((await promisify(execFile)(process.execPath, args)).stdout);
  };
  return ((await rssOf(records)) - (await rssOf(1))) / records;
}

function fill(records: number, held: number): number {
  const floors = new Floors();
  for (let area = 1; area <= AREAS; area++) floors.apply({ area, floor: 1, version: area });
  const memory = new Memory({ memoryRecordsMax: held }, floors);
  for (let n = 0; n < records; n++) {
    const areas = [1 + (n % AREAS), 1 + ((n * 7) % AREAS)];
    memory.put(
      { subject: subjectOf(n), version: n + 1, color: 1, areas, photo: subjectOf(n ^ 0x55555555) },
      0,
    );
  }
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { rss } = process.memoryUsage();
  if (memory.find(subjectOf(records - 1)) < 0) throw new Error('the last record is not held');
  return rss;
}

if (process.argv[1] === self) {
  process.stdout.write(String(fill(Number(process.argv[2]), Number(process.argv[3]))));
}
