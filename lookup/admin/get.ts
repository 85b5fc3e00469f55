import type { Subject } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { grouped } from './confirm.ts';
import type { Output } from './output.ts';
import { findPerson, type Person, unknownPerson } from './person.ts';

/** `lookup get SUBJECT`: what the source has of one person. Asks no process, and so no memory. */
export async function get(
  session: SqlSession,
  options: { readonly subject: Subject },
  output: Output,
): Promise<void> {
  const person = await findPerson(session, options.subject, { lock: false });
  if (!person) throw unknownPerson(options.subject);
  for (const [name, text] of linesOf(person)) output.line(`${name.padEnd(10)}${text}`);
  output.json({
    subject: person.subject,
    erased_at: person.erasedAt ?? null,
    effective: person.effective ?? null,
    color: person.color ?? null,
    areas: person.areas,
    photo: person.photo ?? null,
    version: Number(person.version),
  });
}

function linesOf(person: Person): [string, string][] {
  const { subject, version, areas, photo } = person;
  if (person.erasedAt !== undefined)
    return [
      ['subject', subject],
      ['erased', `at ${person.erasedAt}: answered "absent"; the rest of this row goes after a day`],
      ['version', version],
    ];
  return [
    ['subject', subject],
    ['answered', person.effective ?? 'nothing: the floor of an area is not known'],
    ['own', person.color ?? ''],
    ...(areas.length === 0
      ? [['areas', 'none'] as [string, string]]
      : areas.map(({ id, name, floor }, i): [string, string] => [
          i === 0 ? 'areas' : '',
          `${id} ${name ?? '(no such area)'}: floor ${floor ?? 'not known'}`,
        ])),
    ['photo', photo === undefined ? 'none' : photoText(photo)],
    ['version', version],
  ];
}

function photoText({ id, mime, bytes }: NonNullable<Person['photo']>): string {
  return bytes === null
    ? `${id}: its bytes are not in the source (yet)`
    : `${id} ${mime}, ${grouped(bytes)} bytes`;
}
