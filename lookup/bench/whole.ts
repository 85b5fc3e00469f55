// The system as a whole, with its Redis and its relay: what is measured on it, in an order in which each finds what it
// needs.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from './bench.ts';
import { type Doors, openDoors } from './doors.ts';
import { measureHits } from './hits.ts';
import { writeTokens } from './load.ts';
import { measureOneTransaction, measurePaced } from './mass.ts';
import type { BenchServer } from './process.ts';
import { findPostgres, findRedis } from './programs.ts';
import { SteadyLoad } from './steady.ts';
import { System } from './system.ts';
import { measureAreaVisible, measureVisible } from './visible.ts';
import { measureBytes, measureWarm } from './warm.ts';

const BYTES = 'redis bytes a record';
const WARM = 'warm';
const HIT = 'redis hit';
const VISIBLE = 'visible';
const AREA = 'area visible';
const PACED = 'mass paced';
const ONE = 'mass one transaction';

const STEADY_PER_S = 5_000;
/** Beside a million changes, which take what two cores have left by themselves. */
const MASS_STEADY_PER_S = 1_000;
const SETTLE_MS = 3_000;

export async function measureWhole(bench: Bench): Promise<void> {
  const wants = (...names: string[]) => names.some((name) => bench.wants(name));
  if (!wants(BYTES, WARM, HIT, VISIBLE, AREA, PACED, ONE)) return;
  const [postgresBin, redis] = [findPostgres(), findRedis()];
  if (!postgresBin || !redis) {
    bench.say(
      '\nPostgreSQL or Redis is not here (Debian: postgresql, redis-server): no whole system',
    );
    return;
  }
  const people = bench.cityPeople;
  bench.say(`\nThe whole system: ${people} people, two services, a relay, three masters of Redis`);
  const system = await System.start(
    { postgresBin, redis },
    {
      people,
      districtPeople: people / (bench.short ? 2 : 1),
    },
  );
  try {
    if (wants(BYTES)) await measureBytes(bench, system);
    if (wants(WARM, HIT, VISIBLE, AREA, PACED, ONE)) await measureWarm(bench, system);
    if (wants(HIT)) await measureHits(bench, system);
    if (wants(VISIBLE, AREA)) {
      await onServices(bench, system, STEADY_PER_S, async (_, doors, load) => {
        if (wants(VISIBLE)) await measureVisible(bench, system, doors, load);
        if (wants(AREA)) await measureAreaVisible(bench, system, doors);
      });
    }
    if (wants(PACED, ONE)) {
      await onServices(bench, system, MASS_STEADY_PER_S, async (services, doors, load) => {
        const parts = { bench, system, services, doors, load };
        if (wants(PACED)) await measurePaced(parts);
        if (wants(ONE)) await measureOneTransaction(parts, wants(PACED) ? 1 : 0);
      });
    }
  } finally {
    await system.stop();
  }
}

/** Two services, of which memory holds half of all people, with lookups that go on. */
async function onServices(
  bench: Bench,
  system: System,
  perS: number,
  work: (services: BenchServer[], doors: Doors, load: SteadyLoad) => Promise<void>,
): Promise<void> {
  const { people } = system.city;
  const services: BenchServer[] = [];
  const closing: (() => unknown)[] = [];
  try {
    for (let i = 0; i < 2; i++) {
      const service = await system.service({ memoryRecordsMax: Math.ceil(people / 2) });
      services.push(service);
      closing.push(() => service.stop());
    }
    const doors = openDoors(services);
    closing.push(() => doors.close());
    const { tokensFile } = writeTokens(bench.dir, 20_000, people);
    const load = await SteadyLoad.start({
      doors: services.map(({ ports }) => ({
        http: ports.http as number,
        grpc: ports.grpc as number,
      })),
      perS,
      people,
      tokensFile,
    });
    closing.push(() => load.stop());
    // Until all that runs often is compiled.
    await sleep(SETTLE_MS);
    await work(services, doors, load);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}
