// From the commit's return to the answer, by the client's clock: one person recolored, and a district.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Color } from '../health-code.ts';
import type { Bench } from './bench.ts';
import {
  anyChanging,
  anyQuiet,
  BLOCK,
  DISTRICT,
  ownColorOf,
  recolor,
  recolorArea,
} from './city.ts';
import { type Door, type Doors, msUntil } from './doors.ts';
import { median, quantile } from './figures.ts';
import { type SteadyLoad, saidLines } from './steady.ts';
import type { System } from './system.ts';

const WITHIN_MS = 10_000;
/** Changes come at any time of the relay's own beat. */
const PAUSE_MS_MAX = 100;

const pauseMs = () => Math.random() * PAUSE_MS_MAX;
export const after = (color: Color): Color => (color === 3 ? 1 : ((color + 1) as Color));

/** The slowest of all doors, of each change. */
async function allShow(
  doors: readonly Door[],
  about: (door: Door) => readonly [n: number, color: Color],
  sinceMs: number,
  timesOf: Map<string, number[]>,
): Promise<number> {
  const showing = doors.map(async (door) => {
    const [n, color] = about(door);
    const ms = await msUntil(async () => (await door.color(n)) === color, sinceMs, WITHIN_MS);
    const times = timesOf.get(door.name) ?? [];
    timesOf.set(door.name, times);
    times.push(ms);
    return ms;
  });
  return Math.max(...(await Promise.all(showing)));
}

export async function measureVisible(
  bench: Bench,
  { session, city }: System,
  { all }: Doors,
  load: SteadyLoad,
): Promise<void> {
  const changes = bench.short ? 30 : 200;
  const colors = new Map<number, Color>();
  const timesOf = new Map<string, number[]>();
  const slowest: number[] = [];
  await load.report();
  for (let i = 0; i < changes; i++) {
    const n = anyChanging(city.people);
    const color = after(colors.get(n) ?? ownColorOf(n));
    // Every other one is held in memory when the change comes; the rest are wherever they are.
    if (i % 2 === 0) for (const door of all) await door.color(n);
    await sleep(pauseMs());
    await recolor(session, n, color);
    colors.set(n, color);
    slowest.push(await allShow(all, () => [n, color], performance.now(), timesOf));
  }
  const report = await load.report();
  const { answers, seconds, failed, unasked, stale } = report;
  bench.figures.add('visible_p50_ms', median(slowest));
  bench.figures.add('visible_p99_ms', quantile(slowest, 0.99), { most: 300 });
  bench.figures.add('visible_lookups_per_s', answers / seconds, { least: 4_900 });
  bench.say(
    `  ${failed} lookups failed, ${unasked} found no connection, ${stale} were marked stale`,
  );
  for (const line of saidLines(report)) bench.say(line);
  bench.figures.add('visible_lookups_failed_or_stale', failed + unasked + stale, { most: 0 });
  for (const [name, times] of timesOf)
    bench.say(
      `  visible, ${name}: p50 ${median(times).toFixed(0)} ms, p99 ${quantile(times, 0.99).toFixed(0)} ms`,
    );
}

export async function measureAreaVisible(
  bench: Bench,
  system: System,
  { all }: Doors,
): Promise<void> {
  const { session, city } = system;
  const changes = bench.short ? 50 : 100;
  const timesOf = new Map<string, number[]>();
  const slowest: number[] = [];
  for (let i = 0; i < changes; i++) {
    const floor: Color = i % 2 === 0 ? 3 : 1;
    const people = new Map(all.map((door) => [door, anyQuiet(city.districtPeople)]));
    await sleep(pauseMs());
    await recolorArea(session, DISTRICT, floor);
    const about = (door: Door) => [people.get(door) as number, floor] as const;
    slowest.push(await allShow(all, about, performance.now(), timesOf));
  }
  await recolorArea(session, BLOCK, 3);
  await recolorArea(session, BLOCK, 1);
  await sleep(500);
  const district = await system.feedBytesOf(DISTRICT);
  const block = await system.feedBytesOf(BLOCK);
  bench.figures.add('area_visible_p50_ms', median(slowest));
  bench.figures.add('area_visible_p99_ms', quantile(slowest, 0.99), { most: 400 });
  bench.figures.add('area_feed_bytes', district);
  bench.figures.add('area_feed_bytes_to_block', district / block, { most: 1.1 });
  bench.figures.note('area_people', city.districtPeople);
}
