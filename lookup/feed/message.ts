// A batch as an entry of the feed's stream.

import { decode, type Envelope } from '../layers/record-codec.ts';
import { PLACE_BYTES } from '../redis/slots.ts';
import type { AreaFloor, Batch, Cursor, PersonChange } from './feed.ts';
import { parseSnapshot } from './outbox-sql.ts';

/** What an entry says about its batch, as JSON; the people travel beside it as packed envelopes. */
interface About {
  readonly cursor: Cursor;
  /** Target snapshot of the large transactions of which this is a piece. */
  readonly ahead?: string;
  readonly floors: readonly (readonly [area: number, floor: number, version: number])[];
  readonly firstLoad?: true;
  readonly joins?: 'new-epoch' | 'restarts';
}

/** An entry that cannot be read: what it brought is not known. */
export class UnreadableMessageError extends Error {
  override readonly name = 'UnreadableMessageError';
}

export function aboutOf(batch: Batch): string {
  const { cursor, ahead, floors, firstLoad, joins } = batch;
  const about: About = {
    cursor,
    ...(ahead ? { ahead: `${0}:${ahead.xmax}:${ahead.xip.join(',')}` } : {}),
    floors: floors.map(({ area, floor, version }) => [area, floor, version]),
    ...(firstLoad ? { firstLoad } : {}),
    ...(joins === 'continues' ? {} : { joins }),
  };
  return JSON.stringify(about);
}

/** Envelopes, each after one byte of length: as they are placed, without their places. */
export function packPeople(placed: readonly { readonly bytes: Buffer }[]): Buffer {
  return Buffer.concat(placed.map(({ bytes }) => bytes.subarray(PLACE_BYTES)));
}

/** @throws UnreadableMessageError */
export function readAbout(text: string): About {
  try {
    const about = JSON.parse(text) as About;
    if (typeof about.cursor.snapshot === 'string' && Number.isFinite(about.cursor.at)) return about;
  } catch {
    // Said below.
  }
  throw new UnreadableMessageError('an entry of the feed does not say where it stands');
}

/** Each property by name: to spread one of two shapes takes longer than all else here. */
function changeOf({ person, xid }: Envelope): PersonChange {
  const { subject, version } = person;
  if ('erased' in person) return { subject, version, erased: true, xid };
  return { subject, version, color: person.color, areas: person.areas, photo: person.photo, xid };
}

/** @throws UnreadableMessageError */
export function toBatch(text: string, packed: Buffer): Batch {
  const about = readAbout(text);
  const people: PersonChange[] = [];
  for (let at = 0; at < packed.length; ) {
    const length = packed[at] as number;
    const envelope = decode(packed.subarray(at + 1, at + 1 + length));
    if (!envelope) throw new UnreadableMessageError('an entry of the feed holds no record');
    people.push(changeOf(envelope));
    at += 1 + length;
  }
  const floors = about.floors.map(([area, floor, version]) => ({ area, floor, version }));
  return {
    resolved: about.cursor.at,
    askedMonoMs: undefined,
    snapshot: parseSnapshot(about.cursor.snapshot),
    ahead: about.ahead === undefined ? undefined : parseSnapshot(about.ahead),
    cursor: about.cursor,
    epoch: about.cursor.epoch,
    people,
    floors: floors as AreaFloor[],
    firstLoad: about.firstLoad === true,
    joins: about.joins ?? 'continues',
  };
}
