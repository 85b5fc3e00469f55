// What may differ from the source, by kind. Pure.

import { type Color, colorName, type PersonRecord, type Subject } from '../health-code.ts';
import type { Expected } from './expected.ts';
import type { InRedis } from './redis-look.ts';

/** Each kind with what it means, worst first. */
export const KINDS = {
  'process-color': 'a process answers another color',
  'process-erased-but-there': 'a process answers for who is erased, or never was',
  'process-absent': 'a process says that somebody is not there who is',
  'process-photo': 'a process answers another photo',
  'process-version': 'a process answers another version, of the same color and photo',
  'process-unavailable': 'a process does not answer, or says that it cannot',
  'redis-older': 'an older version lies in Redis',
  'redis-newer': 'a version lies in Redis that the source does not have',
  'redis-color': 'the same version lies in Redis with another own color',
  'redis-areas': 'the same version lies in Redis with other areas',
  'redis-photo': 'the same version lies in Redis with another photo',
  'redis-erased-but-there': 'who is erased lies in Redis as if they were not',
  'redis-absent-but-present': 'somebody lies in Redis whom the source does not have',
  'redis-unreadable': 'what lies in Redis is torn, or of another format',
  'redis-foreign': "somebody else's record lies in Redis in a person's place",
  'redis-other-epoch':
    'what lies in Redis follows another source, or this one before it lost history',
  'redis-unavailable': 'Redis does not say what it holds',
} as const;
export type Kind = keyof typeof KINDS;

export interface Difference {
  readonly kind: Kind;
  readonly subject: Subject;
  /** Which node or process. */
  readonly where: string;
  readonly source: string;
  readonly found: string;
  /** Found there; undefined where none was. */
  readonly version: number | undefined;
  /** What was found is no older than what the source said: if nobody changed the person meanwhile, it is wrong. */
  readonly current: boolean;
  /** It is wrong whatever changes meanwhile. */
  readonly proven: boolean;
}

/** For a program that reads it. */
export const plain = ({ kind, subject, where, source, found }: Difference) => ({
  kind,
  subject,
  where,
  source,
  found,
});

/** What a process says of a person, as a gate reads it. */
export interface GivenAnswer {
  readonly outcome: 'found' | 'absent' | 'unavailable' | 'shed' | 'refused';
  readonly color?: Color;
  /** '' for none */
  readonly photoId?: string;
  readonly version?: number;
  readonly asOfMs?: number;
  readonly ageMs?: number;
  readonly fresh?: boolean;
  readonly layer?: string;
  readonly reason?: string;
}

/** `missing`: Redis need not have everybody. */
export function differenceInRedis(
  expected: Expected,
  found: InRedis,
): Difference | 'missing' | undefined {
  const isAlive = expected.person !== undefined && !('erased' in expected.person);
  if (found.state === 'unmarked') return isAlive ? 'missing' : undefined;
  const kind = kindInRedis(expected, found);
  if (kind === undefined) return found.state === 'nothing' && isAlive ? 'missing' : undefined;
  return {
    kind,
    subject: expected.subject,
    where: found.node,
    source: sourceText(expected),
    found: redisText(found),
    version: found.state === 'record' ? found.person.version : undefined,
    ...certaintyInRedis(kind, expected, found),
  };
}

function kindInRedis(
  { person, epoch }: Expected,
  found: Exclude<InRedis, { state: 'unmarked' }>,
): Kind | undefined {
  if (found.state === 'away') return 'redis-unavailable';
  if (found.mark.epoch !== epoch) return 'redis-other-epoch';
  if (found.state === 'nothing') return undefined;
  if (found.state === 'unreadable') return 'redis-unreadable';
  if (found.state === 'foreign') return 'redis-foreign';
  const there = found.person;
  const thereErased = 'erased' in there;
  if (person === undefined) return thereErased ? undefined : 'redis-absent-but-present';
  if (there.version > person.version) return 'redis-newer';
  if ('erased' in person && !thereErased) return 'redis-erased-but-there';
  if (there.version < person.version) return 'redis-older';
  if ('erased' in person) return undefined;
  if (thereErased || there.color !== person.color) return 'redis-color';
  if (there.areas.join() !== person.areas.join()) return 'redis-areas';
  return there.photo === person.photo ? undefined : 'redis-photo';
}

/** Never so for a moment only, whatever changes meanwhile. */
const ALWAYS = new Set<Kind>([
  'redis-color',
  'redis-areas',
  'redis-photo',
  'redis-unreadable',
  'redis-foreign',
]);

/** All that was committed up to its mark is on a node: then an older record there is late no longer, but wrong. */
function certaintyInRedis(kind: Kind, { asOf }: Expected, found: InRedis) {
  const isAhead = kind === 'redis-newer' || kind === 'redis-absent-but-present';
  const current = isAhead || ('mark' in found && found.mark.at >= asOf);
  const isLate = kind === 'redis-older' || kind === 'redis-erased-but-there';
  return { current, proven: ALWAYS.has(kind) || (isLate && current) };
}

export function differenceOfProcess(
  expected: Expected,
  answer: GivenAnswer,
  where: string,
): Difference | undefined {
  const kind = kindOfProcess(expected, answer);
  if (kind === undefined) return undefined;
  return {
    kind,
    subject: expected.subject,
    where,
    source: sourceText(expected),
    found: answerText(answer),
    version: answer.version,
    current: answer.asOfMs !== undefined && answer.asOfMs >= expected.asOf,
    proven: false,
  };
}

function kindOfProcess({ person, effective }: Expected, answer: GivenAnswer): Kind | undefined {
  const isAlive = person !== undefined && !('erased' in person);
  if (answer.outcome === 'absent') return isAlive ? 'process-absent' : undefined;
  if (answer.outcome !== 'found') {
    // Nobody knows the floor of one of their areas: no color is the right answer.
    return isAlive && effective === undefined ? undefined : 'process-unavailable';
  }
  if (!isAlive) return 'process-erased-but-there';
  if (answer.color !== effective) return 'process-color';
  if (answer.photoId !== (person.photo ?? '')) return 'process-photo';
  return answer.version === person.version ? undefined : 'process-version';
}

export function sourceText({ person, effective }: Expected): string {
  if (person === undefined) return 'nobody';
  if ('erased' in person) return `erased, version ${person.version}`;
  const answered =
    effective === undefined ? 'no color (a floor is not known)' : colorName(effective);
  return `${answered} (${recordText(person)})`;
}

export function redisText(found: InRedis): string {
  switch (found.state) {
    case 'away':
      return found.why;
    case 'unmarked':
      return 'no mark: nothing there counts';
    case 'nothing':
      return 'nothing';
    case 'unreadable':
      return `what cannot be read: ${found.why}`;
    case 'foreign':
      return `the record of ${found.of}`;
    default:
      return 'erased' in found.person
        ? `erased, version ${found.person.version}`
        : recordText(found.person);
  }
}

export function answerText({ outcome, color, photoId, version, reason }: GivenAnswer): string {
  if (outcome !== 'found') return reason ? `${outcome}: ${reason}` : outcome;
  const photo = photoId ? `photo ${photoId}` : 'no photo';
  return `${color === undefined ? 'no color' : colorName(color)}, ${photo}, version ${version}`;
}

const recordText = ({ color, areas, photo, version }: PersonRecord) =>
  `own ${colorName(color)}, ${areas.length === 0 ? 'no areas' : `areas ${areas.join(' ')}`}, ` +
  `${photo ? `photo ${photo}` : 'no photo'}, version ${version}`;
