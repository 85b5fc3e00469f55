import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { until } from '../../test/wait.ts';
import { collectionReadings } from './collections.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const readings = collectionReadings();
const read = (name: string) => {
  const found = readings.find((one) => one.name === name);
  if (!found) throw new Error(`no reading ${name}`);
  return found.read();
};
const MB = 1_000_000;

/** @returns what is kept after a collection that begins now */
async function keptAfterOne(): Promise<number> {
  const before = read('lookup_collections_total');
  collect();
  await until(async () => read('lookup_collections_total') > before, { what: 'it is told' });
  return read('lookup_memory_kept_bytes');
}

test('what is thrown away is not kept; what is held is', async () => {
  const before = await keptAfterOne();
  let held: number[][] | undefined = Array.from({ length: 50 }, () => new Array(100_000).fill(0.5));
  const full = await keptAfterOne();
  expect(full - before).toBeGreaterThan(39 * MB);
  expect(held.length).toBe(50);
  held = undefined;
  expect(await keptAfterOne()).toBeLessThan(full - 39 * MB);
});

test('so is what lies outside the heap, and is held by it', async () => {
  const before = await keptAfterOne();
  let held: Buffer | undefined = Buffer.alloc(50 * MB);
  const full = await keptAfterOne();
  expect(full - before).toBeGreaterThan(49 * MB);
  expect(held.length).toBe(50 * MB);
  held = undefined;
  // It is given back beside us, by another thread: the next collection tells.
  const isGivenBack = async () => (await keptAfterOne()) < full - 49 * MB;
  await until(isGivenBack, { what: 'it is given back' });
});

test('the heap is a part of what is resident', () => {
  expect(read('lookup_memory_heap_bytes')).toBeGreaterThan(5 * MB);
  expect(read('lookup_memory_bytes')).toBeGreaterThan(read('lookup_memory_heap_bytes') / 2);
});

test('the time that collections took is told', async () => {
  const before = read('lookup_collections_seconds_total');
  await keptAfterOne();
  const took = read('lookup_collections_seconds_total') - before;
  expect(took).toBeGreaterThan(0);
  expect(took).toBeLessThan(10);
});

test('a second service in the process counts the same collections', async () => {
  await keptAfterOne();
  const [own] = collectionReadings();
  expect(own?.read()).toBe(read('lookup_collections_total'));
});
