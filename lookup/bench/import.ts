// How many people a second `lookup import` brings into a source that has nobody yet: from the command's start to its
// COMMIT, reading, checking and comparing included. The source is PostgreSQL with its own defaults for safety (it
// waits for the disk), on this machine, and shares all cores with the command.

import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { IMPORT_RATE_PER_S, importPeople } from '../admin/import.ts';
import { ERRORS_MAX } from '../admin/import-faults.ts';
import type { Output } from '../admin/output.ts';
import { uuidToId } from '../health-code.ts';
import { migrate } from '../source/migrate.ts';
import { openPostgresSession } from '../source/postgres.ts';
import { Backing } from './backing-process.ts';
import type { Bench } from './bench.ts';
import { AREAS, photoUuidOf, subjectOf } from './population.ts';
import { findPostgres } from './programs.ts';

const PEOPLE = 'import people';
const PHOTOS = 'import with photos';

/** A portrait as phones show it; all differ. */
const PHOTO_BYTES = 20_000;

/** What the project's papers promise. */
const PEOPLE_PER_S_LEAST = 50_000;

export async function measureImport(bench: Bench): Promise<void> {
  const { short, figures, say, wants } = bench;
  if (!wants(PEOPLE) && !wants(PHOTOS)) return;
  const postgresBin = findPostgres();
  if (!postgresBin) {
    say('\nPostgreSQL is not here (Debian: apt-get install postgresql): import is not measured');
    figures.note('import_lacks', 'PostgreSQL');
    return;
  }
  const [people, withPhotos, rounds] = short ? [100_000, 1_000, 1] : [1_000_000, 10_000, 3];
  say(
    `\nImport: ${people} people; ${withPhotos} with photos of ${PHOTO_BYTES} bytes; into PostgreSQL`,
  );
  const backing = await Backing.start({ postgresBin });
  const { postgresUrl } = backing.places;
  try {
    if (wants(PEOPLE)) {
      const file = join(bench.dir, 'people.csv');
      await writePeople(file, people, (n) => uuidToId(photoUuidOf(n)));
      const perS = await measure(rounds, { postgresUrl, file, photosDir: undefined, people }, say);
      figures.add('import_people_per_s', perS, short ? undefined : { least: PEOPLE_PER_S_LEAST });
      figures.note('import_people', people);
    }
    if (wants(PHOTOS)) {
      const photosDir = join(bench.dir, 'photos');
      const file = join(bench.dir, 'people-with-photos.csv');
      writePhotos(photosDir, withPhotos);
      await writePeople(file, withPhotos, (n) => `${n}.png`);
      const perS = await measure(rounds, { postgresUrl, file, photosDir, people: withPhotos }, say);
      figures.add('import_with_photos_people_per_s', perS);
      figures.note('import_with_photos_people', withPhotos);
      figures.note('import_photo_bytes', PHOTO_BYTES);
    }
  } finally {
    await backing.stop();
  }
}

interface Measured {
  readonly postgresUrl: string;
  readonly file: string;
  readonly photosDir: string | undefined;
  readonly people: number;
}

/** @returns people a second, of each round */
async function measure(
  rounds: number,
  { postgresUrl, file, photosDir, people }: Measured,
  say: (line: string) => void,
): Promise<number[]> {
  const perS: number[] = [];
  for (let i = 1; i <= rounds; i++) {
    const session = await openPostgresSession(postgresUrl);
    try {
      await session.exec('drop schema public cascade; create schema public');
      await migrate(session);
      await session.query(
        "insert into area (id, name) select id, 'made' from generate_series(1, $1::integer) as id",
        [AREAS],
      );
      const begun = performance.now();
      await importPeople(session, { ...OPTIONS, file, photosDir }, silent);
      const seconds = (performance.now() - begun) / 1_000;
      perS.push(Math.round(people / seconds));
      const what = photosDir ? 'with photos' : 'without photos';
      say(`  round ${i}/${rounds}  import ${what.padEnd(15)} ${seconds.toFixed(1).padStart(6)} s`);
    } finally {
      await session.close();
    }
  }
  return perS;
}

const OPTIONS = {
  format: undefined,
  stdin: Readable.from([]),
  revive: false,
  errorsMax: ERRORS_MAX,
  ratePerS: IMPORT_RATE_PER_S,
  yes: true,
  dryRun: false,
  // A first load has none.
  undoFile: '',
  signal: new AbortController().signal,
} as const;

const silent: Output = {
  asJson: true,
  line() {},
  json() {},
  note() {},
  ask: async () => false,
  progress: () => ({ update() {}, stop() {} }),
};

/** @param photoOf what stands in the last column */
async function writePeople(
  file: string,
  people: number,
  photoOf: (n: number) => string,
): Promise<void> {
  function* text() {
    yield 'subject,color,areas,photo\n';
    let lines = '';
    for (let n = 0; n < people; n++) {
      const color = n % 100 < 97 ? 'green' : n % 100 < 99 ? 'yellow' : 'red';
      const [home, work] = [1 + (n % AREAS), 1 + ((n * 7) % AREAS)];
      const areas = home === work ? home : `${home}|${work}`;
      lines += `${subjectOf(n)},${color},${areas},${photoOf(n)}\n`;
      if (n % 1_000 < 999) continue;
      yield lines;
      lines = '';
    }
    yield lines;
  }
  await pipeline(Readable.from(text()), createWriteStream(file));
}

/** PNG by their first bytes, which is as far as anybody looks. */
function writePhotos(dir: string, count: number): void {
  mkdirSync(dir);
  for (let n = 0; n < count; n++) {
    const bytes = Buffer.alloc(PHOTO_BYTES, n);
    bytes.write('89504e470d0a1a0a', 'hex');
    bytes.writeUInt32BE(n, 8);
    writeFileSync(join(dir, `${n}.png`), bytes);
  }
}
