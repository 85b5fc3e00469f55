// Very many single recolorings: by commits of some thousands, and in one transaction of somebody else's.

import { setTimeout as sleep } from 'node:timers/promises';
import { IMPORT_RATE_PER_S } from '../admin/import.ts';
import type { Color } from '../health-code.ts';
import type { Bench } from './bench.ts';
import { anyQuiet, DISTRICT, ownColorOf } from './city.ts';
import { type Doors, type GateDoor, msUntil } from './doors.ts';
import { uuidOf } from './population.ts';
import type { BenchServer } from './process.ts';
import { type SteadyLoad, type SteadyReport, saidLines } from './steady.ts';
import { metricOf, type System } from './system.ts';
import { after } from './visible.ts';

const CHUNK = 5_000;
const VISIBLE_WITHIN_S = 30;
const GIVEN_UP_MS = 300_000;
const BEFORE_MS = 2_000;
const STALE_AFTER_MS = 2_000;
const SAMPLE = 300;
/** It lasts for half a minute, and whoever asks takes the CPU of what is measured. */
const WATCH_EVERY_MS = 25;

const NEXT = `(case color when 'green' then 'yellow' when 'yellow' then 'red' else 'green' end)::code_color`;

export interface MassParts {
  readonly bench: Bench;
  readonly system: System;
  readonly services: readonly BenchServer[];
  readonly doors: Doors;
  readonly load: SteadyLoad;
}

/** One answer that was given meanwhile. */
interface Seen {
  readonly isOld: boolean;
  readonly fresh: boolean;
  readonly asOfMs: number;
  readonly ageMs: number;
  readonly atMs: number;
}

interface Outcome {
  readonly writingS: number;
  readonly visibleS: number;
  /** Of all that was asked meanwhile. */
  readonly load: SteadyReport;
  readonly readsBeforePerS: number;
  readonly readsPerS: number;
  readonly ageMsMax: number;
  /** An old color, said to have been true after the last commit. */
  readonly untrue: number;
  /** An old color, not marked, when it could no longer be fresh. */
  readonly unmarked: number;
  readonly missing: number;
  readonly unanswered: number;
}

export async function measurePaced(parts: MassParts): Promise<void> {
  const { session, city } = parts.system;
  const outcome = await change(parts, 1, async () => {
    const beganMs = performance.now();
    for (let n = 0; n < city.districtPeople; n += CHUNK) {
      await sleep(Math.max(0, beganMs + (n / IMPORT_RATE_PER_S) * 1_000 - performance.now()));
      const count = Math.min(CHUNK, city.districtPeople - n);
      const some = Array.from({ length: count }, (_, i) => uuidOf(n + i));
      await session.query(`update person set color = ${NEXT} where subject = any ($1::uuid[])`, [
        some,
      ]);
    }
  });
  tell(parts.bench, 'mass_paced', outcome);
  parts.bench.figures.add('mass_paced_stale', outcome.load.stale, { most: 0 });
}

export async function measureOneTransaction(parts: MassParts, before: number): Promise<void> {
  const { session } = parts.system;
  const outcome = await change(parts, before + 1, async () => {
    await session.query(`update person set color = ${NEXT} where areas @> array[$1::integer]`, [
      DISTRICT,
    ]);
  });
  tell(parts.bench, 'mass_one_transaction', outcome);
  parts.bench.figures.add('mass_one_transaction_stale', outcome.load.stale);
}

function tell({ figures, say }: Bench, name: string, outcome: Outcome): void {
  figures.add(`${name}_writing_s`, outcome.writingS);
  figures.add(`${name}_visible_s`, outcome.visibleS, { most: VISIBLE_WITHIN_S });
  figures.add(`${name}_age_ms_max`, outcome.ageMsMax);
  figures.add(`${name}_source_reads_per_s`, outcome.readsPerS, {
    most: outcome.readsBeforePerS + 1,
  });
  figures.add(`${name}_untrue_or_unmarked`, outcome.untrue + outcome.unmarked, { most: 0 });
  figures.add(`${name}_not_shown_after`, outcome.missing, { most: 0 });
  const { failed, unasked, slowestMs } = outcome.load;
  say(
    `  ${name}: ${failed} failed, ${unasked} found no connection, slowest ${slowestMs.toFixed(0)} ms`,
  );
  for (const line of saidLines(outcome.load)) say(line);
  figures.add(`${name}_unanswered`, failed + unasked + outcome.unanswered, { most: 0 });
}

/** @param changes how often all will have been changed by then */
async function change(
  { system, services, doors, load }: MassParts,
  changes: number,
  write: () => Promise<void>,
): Promise<Outcome> {
  const { session, city } = system;
  const colorOf = (n: number, times: number) => {
    let color: Color = ownColorOf(n);
    for (let i = 0; i < times; i++) color = after(color);
    return color;
  };
  const reads = async () => {
    const all = await Promise.all(
      services.map((service) => metricOf(service, 'lookup_source_queries_total')),
    );
    return all.reduce((sum, one) => sum + one, 0);
  };
  const readsFirst = await reads();
  await sleep(BEFORE_MS);
  const readsBefore = await reads();
  await load.report();

  const watching = watch(doors.gates, city.districtPeople, (n, color) => {
    return color === colorOf(n, changes - 1);
  });
  const beganMs = performance.now();
  await write();
  const writtenMs = performance.now();
  const [row] = await session.query<{ ms: string }>(
    'select floor(extract(epoch from as_of) * 1000)::text as ms from lookup_mark()',
  );
  const markMs = Number(row?.ms);
  const last = city.districtPeople - 1;
  const shown = doors.all.map((door) =>
    msUntil(
      async () => (await door.color(last)) === colorOf(last, changes),
      writtenMs,
      GIVEN_UP_MS,
      WATCH_EVERY_MS,
    ),
  );
  // The last written need not be the last delivered; but who is fresh as of then has all.
  const reached = doors.gates.map((gate) =>
    msUntil(
      async () => {
        const answer = await gate.ask(anyQuiet(city.districtPeople));
        return answer.fresh === true && (answer.asOfMs ?? 0) >= markMs;
      },
      writtenMs,
      GIVEN_UP_MS,
      WATCH_EVERY_MS,
    ),
  );
  const visibleMs = Math.max(...(await Promise.all([...shown, ...reached])));
  const seconds = (performance.now() - beganMs) / 1_000;
  const readsAfter = await reads();
  const { seen, unanswered } = await watching();
  let missing = 0;
  for (let i = 0; i < SAMPLE; i++) {
    const n = anyQuiet(city.districtPeople);
    for (const door of doors.all)
      if ((await door.color(n).catch(() => undefined)) !== colorOf(n, changes)) missing += 1;
  }
  const old = seen.filter((one) => one.isOld);
  return {
    writingS: (writtenMs - beganMs) / 1_000,
    visibleS: visibleMs / 1_000,
    load: await load.report(),
    readsBeforePerS: (readsBefore - readsFirst) / (BEFORE_MS / 1_000),
    readsPerS: (readsAfter - readsBefore) / seconds,
    ageMsMax: Math.max(...seen.map((one) => one.ageMs)),
    untrue: old.filter((one) => one.asOfMs >= markMs).length,
    unmarked: old.filter((one) => one.fresh && one.atMs > writtenMs + STALE_AFTER_MS).length,
    missing,
    unanswered,
  };
}

/** Asks the gates about people until it is told to end. */
function watch(
  gates: readonly GateDoor[],
  people: number,
  isOld: (n: number, color: Color) => boolean,
): () => Promise<{ seen: Seen[]; unanswered: number }> {
  const seen: Seen[] = [];
  let unanswered = 0;
  let over = false;
  const watching = gates.map(async (gate) => {
    while (!over) {
      const n = anyQuiet(people);
      const atMs = performance.now();
      const answer = await gate.ask(n).catch(() => undefined);
      const { color, fresh = false, asOfMs = 0, ageMs = 0 } = answer ?? {};
      if (color !== undefined) seen.push({ isOld: isOld(n, color), fresh, asOfMs, ageMs, atMs });
      else unanswered += 1;
      await sleep(WATCH_EVERY_MS);
    }
  });
  return async () => {
    over = true;
    await Promise.all(watching);
    return { seen, unanswered };
  };
}
