import { idToUuid, type Subject, uuidToId } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { sayChange } from './change.ts';
import { confirm, grouped } from './confirm.ts';
import { CommandError, type Output } from './output.ts';
import type { WaitFor } from './wait.ts';

export interface EraseOptions {
  readonly subjects: readonly Subject[];
  readonly yes: boolean;
  /** How long the outbox keeps what it said of them before. */
  readonly outboxRetentionMs: number;
  readonly wait?: WaitFor | undefined;
}

interface Erased {
  readonly subject: Subject;
  /** Erased before already. */
  readonly already: boolean;
}

/** `lookup erase SUBJECT...`: all of them or none. There is no way back. */
export async function erase(
  session: SqlSession,
  options: EraseOptions,
  output: Output,
): Promise<void> {
  const subjects = [...new Set(options.subjects)];
  await requireKnown(session, subjects);
  const who = subjects.length === 1 ? subjects[0] : `${subjects.length} people`;
  await confirm(output, `Erase ${who} for good? This cannot be undone.`, options);
  const { erased, photos } = await session.transaction(async () => {
    const held = await holdPeople(session, subjects);
    const photos = await photosOf(session, subjects);
    await session.query(
      'update person set erased_at = now() where subject = any($1::uuid[]) and erased_at is null',
      [subjects.map(idToUuid)],
    );
    return {
      erased: held,
      photos: await dropUnused(session, photos),
    };
  });
  const said = erased.map(
    ({ subject, already }) => `${subject}: ${already ? 'was erased before' : 'erased'}`,
  );
  said.push(`photos deleted: ${photos.length === 0 ? 'none' : photos.join(', ')}`);
  output.note(
    `The outbox keeps what it told of them for ${grouped(Math.ceil(options.outboxRetentionMs / 1_000))} s more ` +
      '(LOOKUP_OUTBOX_RETENTION_MS), and the source their bare subject for a day, so that nothing late brings them ' +
      'back. A running "lookup serve" or demo sees to both.',
  );
  await sayChange(session, output, {
    changed: erased.some(({ already }) => !already),
    text: said.join('\n'),
    value: { erased, photos_deleted: photos },
    undo: undefined,
    wait: options.wait,
  });
}

/** @throws CommandError (2) naming all who are not there */
async function requireKnown(session: SqlSession, subjects: readonly Subject[]): Promise<void> {
  const rows = await session.query<{ subject: string }>(
    'select subject::text as subject from person where subject = any($1::uuid[])',
    [subjects.map(idToUuid)],
  );
  const known = new Set(rows.map(({ subject }) => uuidToId(subject)));
  const unknown = subjects.filter((subject) => !known.has(subject));
  if (unknown.length > 0)
    throw new CommandError(`no such person in the source: ${unknown.join(', ')}`, 2);
}

/** In one order for all commands, so that two of them cannot wait for each other. */
async function holdPeople(session: SqlSession, subjects: readonly Subject[]): Promise<Erased[]> {
  const rows = await session.query<{ subject: string; already: string }>(
    `select subject::text as subject, (erased_at is not null)::text as already
      from person where subject = any($1::uuid[]) order by subject for update`,
    [subjects.map(idToUuid)],
  );
  return rows.map(({ subject, already }) => ({
    subject: uuidToId(subject),
    already: already === 'true',
  }));
}

/** As uuid: the one that each has, and those that the outbox still knows they had. */
async function photosOf(session: SqlSession, subjects: readonly Subject[]): Promise<string[]> {
  const rows = await session.query<{ id: string }>(
    `select photo_id::text as id from person where subject = any($1::uuid[]) and photo_id is not null
      union select photo_id::text from outbox where subject = any($1::uuid[]) and photo_id is not null`,
    [subjects.map(idToUuid)],
  );
  return rows.map(({ id }) => id);
}

/**
 * Two statements: the second sees whoever was given the photo while the first waited for them.
 * @param ids as uuid
 * @returns those that nobody else had, as photo ids
 */
async function dropUnused(session: SqlSession, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  await session.query('select 1 from photo where id = any($1::uuid[]) order by id for update', [
    ids,
  ]);
  const rows = await session.query<{ id: string }>(
    `delete from photo where id = any($1::uuid[])
      and not exists (select from person where photo_id = photo.id) returning id::text as id`,
    [ids],
  );
  return rows.map(({ id }) => uuidToId(id)).sort();
}
