import { idToUuid, type PhotoId, type Subject } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { sayChange } from './change.ts';
import { CommandError, type Output } from './output.ts';
import { holdPerson } from './person.ts';
import { type PhotoFile, readPhotoFile } from './photo-file.ts';
import type { WaitFor } from './wait.ts';

/** A new photo from a file, one that the source has already, or none. */
export type NewPhoto =
  | { readonly file: string }
  | { readonly id: PhotoId }
  | { readonly none: true };

/** @throws CommandError (2) unless exactly one is there */
export function newPhotoOf(
  file: string | undefined,
  options: { readonly id?: PhotoId; readonly none?: true },
): NewPhoto {
  const { id, none } = options;
  const given: NewPhoto[] = [];
  if (file !== undefined) given.push({ file });
  if (id !== undefined) given.push({ id });
  if (none) given.push({ none });
  const [one, another] = given;
  if (one === undefined || another !== undefined)
    throw new CommandError('which photo? Either a FILE, or --id, or --none', 2);
  return one;
}

/** `lookup set-photo SUBJECT FILE`: the photo before it stays in the source, so that this can be undone. */
export async function setPhoto(
  session: SqlSession,
  options: {
    readonly subject: Subject;
    readonly photo: NewPhoto;
    readonly wait?: WaitFor | undefined;
  },
  output: Output,
): Promise<void> {
  const { subject, photo } = options;
  const file = 'file' in photo ? await readPhotoFile(photo.file) : undefined;
  const id = file?.id ?? ('id' in photo ? photo.id : undefined);
  const before = await session.transaction(async () => {
    const person = await holdPerson(session, subject);
    if (file) await keepPhoto(session, file);
    else if (id !== undefined) await holdPhoto(session, id);
    await session.query('update person set photo_id = $2::uuid where subject = $1::uuid', [
      idToUuid(subject),
      id === undefined ? null : idToUuid(id),
    ]);
    return person.photo?.id;
  });
  const changed = before !== id;
  await sayChange(session, output, {
    changed,
    text: changed
      ? `${subject}: photo ${before ?? 'none'} -> ${id ?? 'none'}`
      : `${subject}: photo is ${id ?? 'none'} already`,
    value: { subject, photo: { before: before ?? null, after: id ?? null } },
    undo: `npx lookup set-photo ${subject} ${before === undefined ? '--none' : `--id ${before}`}`,
    wait: options.wait,
  });
}

// An update and not "do nothing": it holds the row, so that an erasure that is just under way cannot take it away.
const KEEP = `insert into photo (id, mime, bytes) values ($1::uuid, $2::text, $3::bytea)
  on conflict (id) do update set mime = excluded.mime`;

async function keepPhoto(session: SqlSession, { id, mime, bytes }: PhotoFile): Promise<void> {
  await session.query(KEEP, [idToUuid(id), mime, bytes]);
}

/** @throws CommandError (2) when the source lacks it */
async function holdPhoto(session: SqlSession, id: PhotoId): Promise<void> {
  const [row] = await session.query('select 1 as there from photo where id = $1::uuid for update', [
    idToUuid(id),
  ]);
  if (!row) throw new CommandError(`${id}: there is no such photo in the source`, 2);
}
