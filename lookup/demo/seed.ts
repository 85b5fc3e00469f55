// Fills an empty source with the made people. First the people, in one transaction, so that the service can answer;
// their portraits follow behind, a chunk at a time, and go on where they stopped.

import { createHash } from 'node:crypto';
import { setImmediate as breathe, setTimeout as pause } from 'node:timers/promises';
import { idToUuid, type PhotoId, uuidToId } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { DEMO_PEOPLE_COUNT, demoAreas, demoPerson } from './people.ts';
import { drawPortrait } from './portrait.ts';

const PEOPLE_CHUNK = 500;
// Small, because PGlite works on the same thread as the answers: a chunk holds them up for some 5 ms.
const PHOTO_CHUNK = 8;

export type OnProgress = (done: number, total: number) => void;

export function photoIdOf(bytes: Uint8Array): PhotoId {
  return createHash('sha256').update(bytes).digest().subarray(0, 16).toString('base64url');
}

/** Adds areas and people, all or none; does nothing when anybody is there already. Portraits: {@link seedPhotos}. */
export async function seedDemo(session: SqlSession, onProgress: OnProgress): Promise<void> {
  const [first] = await session.query('select 1 as one from person limit 1');
  if (first) return;
  await session.transaction(async () => {
    await session.query('select lookup_begin_first_load()');
    const areas = demoAreas();
    await session.query(
      `insert into area (id, name)
        select id::integer, name from unnest($1::text[], $2::text[]) as made(id, name)
        on conflict (id) do nothing`,
      [areas.map(({ id }) => String(id)), areas.map(({ en, zh }) => `${en} ${zh}`)],
    );
    for (let done = 0; done < DEMO_PEOPLE_COUNT; ) {
      const end = Math.min(done + PEOPLE_CHUNK, DEMO_PEOPLE_COUNT);
      await insertPeople(session, done, end);
      done = end;
      onProgress(done, DEMO_PEOPLE_COUNT);
      await breathe();
    }
  });
}

async function insertPeople(session: SqlSession, start: number, end: number): Promise<void> {
  const subjects: string[] = [];
  const colors: string[] = [];
  const areas: string[] = [];
  const photos: string[] = [];
  for (let i = start; i < end; i++) {
    const person = demoPerson(i);
    subjects.push(idToUuid(person.subject));
    colors.push(person.color);
    areas.push(`{${person.areas.join(',')}}`);
    photos.push(idToUuid(photoIdOf(drawPortrait(person.portraitSeed))));
  }
  await session.query(
    `insert into person (subject, color, areas, photo_id)
      select subject::uuid, color::code_color, areas::integer[], photo::uuid
      from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as made(subject, color, areas, photo)`,
    [subjects, colors, areas, photos],
  );
}

/**
 * Adds the portraits that made people still lack, the page's people first. Each chunk is a commit of
 * its own, followed by a pause as long as it took. Safe to end at any point and to run again.
 * @param signal ends it after the chunk in work
 */
export async function seedPhotos(
  session: SqlSession,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<void> {
  const lacking = await peopleWithoutPhoto(session);
  for (let done = 0; done < lacking.length && !signal?.aborted; ) {
    const start = performance.now();
    const chunk = lacking.slice(done, done + PHOTO_CHUNK);
    await insertPhotos(session, chunk);
    done += chunk.length;
    onProgress(done, lacking.length);
    await pause(performance.now() - start);
  }
}

interface Lacking {
  readonly index: number;
  readonly photo: PhotoId;
}

async function peopleWithoutPhoto(session: SqlSession): Promise<Lacking[]> {
  const rows = await session.query<{ subject: string; photo: string }>(
    `select subject::text as subject, photo_id::text as photo from person
      where photo_id is not null and not exists (select from photo where photo.id = person.photo_id)`,
  );
  const photoOf = new Map(rows.map((row) => [uuidToId(row.subject), uuidToId(row.photo)]));
  const lacking: Lacking[] = [];
  for (let index = 0; index < DEMO_PEOPLE_COUNT && photoOf.size > 0; index++) {
    const { subject } = demoPerson(index);
    const photo = photoOf.get(subject);
    if (photo) lacking.push({ index, photo });
  }
  return lacking;
}

async function insertPhotos(session: SqlSession, chunk: readonly Lacking[]): Promise<void> {
  const ids: string[] = [];
  const images: string[] = [];
  for (const { index, photo } of chunk) {
    const person = demoPerson(index);
    const bytes = drawPortrait(person.portraitSeed);
    const id = photoIdOf(bytes);
    ids.push(idToUuid(id));
    images.push(bytes.toString('base64'));
    // Another Node may compress the same picture to other bytes: then the person gets the new photo.
    if (id !== photo)
      await session.query(
        'update person set photo_id = $1::uuid where subject = $2::uuid and photo_id = $3::uuid',
        [idToUuid(id), idToUuid(person.subject), idToUuid(photo)],
      );
  }
  await session.query(
    `insert into photo (id, mime, bytes)
      select id::uuid, 'image/png', decode(bytes, 'base64')
      from unnest($1::text[], $2::text[]) as made(id, bytes)
      on conflict (id) do nothing`,
    [ids, images],
  );
}
