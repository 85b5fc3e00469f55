import { colorName, type SourceMs, type Subject } from '../health-code.ts';
import {
  answerText,
  type Difference,
  type GivenAnswer,
  plain,
  redisText,
  sourceText,
} from './differences.ts';
import type { Expected } from './expected.ts';
import type { Person } from './person.ts';
import { time } from './process-figures.ts';
import type { InRedis } from './redis-look.ts';

export interface Explained {
  readonly subject: Subject;
  readonly expected: Expected;
  /** As the source has them, with all that `lookup get` shows; undefined: nobody. */
  readonly person: Person | undefined;
  /** Or why it was not asked. */
  readonly redis: InRedis | string;
  readonly processes: readonly Asked[];
  /** Who still differed when looked at again. */
  readonly differences: readonly Difference[];
  /** Who differed at first, and no more: the change had not reached them yet. */
  readonly late: readonly Difference[];
}

export interface Asked {
  readonly name: string;
  readonly address: string;
  readonly answer: GivenAnswer;
  /** On the source's clock; undefined where an answer has none. */
  readonly asOf: SourceMs | undefined;
}

/** In a sentence: whether all agree, and on what; else who does not. */
export function summaryOf({ expected, redis, processes, differences, late }: Explained): string {
  const truth = sourceText(expected);
  if (typeof redis === 'string' && processes.length === 0)
    return `The source says: ${truth}. Nobody else was asked.`;
  if (differences.length > 0) {
    const who = differences.map(({ where, found, kind }) => `${where} says ${found} (${kind})`);
    return `They do not agree. The source says: ${truth}. But ${who.join('; ')}.`;
  }
  if (late.length === 0) return `All agree: ${truth}.`;
  const who = late.map(({ where, found }) => `${where} still said ${found}`);
  return `All agree now: ${truth}. A moment before, ${who.join('; ')}.`;
}

const row = (name: string, text: string) => `${name.padEnd(10)}${text}`;
const timeOf = (sourceMs: number) => new Date(sourceMs).toISOString();

export function explainLines(explained: Explained): string[] {
  return [
    ...sourceLines(explained),
    ...redisLines(explained),
    ...explained.processes.flatMap(processLines),
  ];
}

function sourceLines({ expected, person }: Explained): string[] {
  const asOf = row('', `as of ${timeOf(expected.asOf)}, epoch ${expected.epoch}`);
  if (!person) return [row('source', 'there is no such person'), asOf];
  if (person.erasedAt !== undefined)
    return [row('source', `erased at ${person.erasedAt}, version ${person.version}`), asOf];
  const { color, effective, areas, photo, version } = person;
  const bytes = photo?.bytes === null ? ' (its bytes are not in the source)' : '';
  return [
    row('source', `answered ${effective ?? 'nothing: the floor of an area is not known'}`),
    row('', `own color ${color}`),
    ...areas.map(({ id, name, floor }) =>
      row('', `area ${id} ${name ?? '(no such area)'}: floor ${floor ?? 'not known'}`),
    ),
    row('', photo ? `photo ${photo.id}${bytes}` : 'no photo'),
    row('', `version ${version}`),
    asOf,
  ];
}

function redisLines({ redis, expected }: Explained): string[] {
  if (typeof redis === 'string') return [row('redis', `not asked: ${redis}`)];
  const lines = [row('redis', `${redis.node || 'no node'}: ${redisText(redis)}`)];
  if (redis.state === 'record') lines.push(row('', `written by transaction ${redis.xid}`));
  if (!('mark' in redis)) return lines;
  const { at, keyspace, epoch } = redis.mark;
  const behindS = Math.max(0, expected.asOf - at) / 1_000;
  const other = epoch === expected.epoch ? '' : `, of ANOTHER EPOCH ${epoch}`;
  lines.push(
    row('', `its mark is ${time(behindS)} old (${timeOf(at)}), keyspace ${keyspace}${other}`),
  );
  return lines;
}

function processLines({ name, address, answer, asOf }: Asked): string[] {
  const at = name === address ? '' : ` at ${address}`;
  const lines = [row('process', `${name}${at}: ${answerText(answer)}`)];
  if (asOf === undefined) return lines;
  const { layer, ageMs, fresh, outcome } = answer;
  const from = outcome === 'found' ? `from ${layer}, ` : '';
  const age = ageMs === undefined ? '' : `, ${time(ageMs / 1_000)} old`;
  lines.push(row('', `${from}as of ${timeOf(asOf)}${age}${fresh === false ? ', STALE' : ''}`));
  return lines;
}

export function explainValue(explained: Explained) {
  const { subject, expected, person, redis, processes, differences, late } = explained;
  return {
    subject,
    agree: differences.length === 0,
    summary: summaryOf(explained),
    source: {
      epoch: expected.epoch,
      as_of: timeOf(expected.asOf),
      there: person !== undefined,
      erased_at: person?.erasedAt ?? null,
      effective: person?.effective ?? null,
      color: person?.color ?? null,
      areas: person?.areas ?? [],
      photo: person?.photo ?? null,
      version: person ? Number(person.version) : null,
    },
    redis: typeof redis === 'string' ? null : redisValue(explained),
    processes: processes.map(processValue),
    differences: differences.map(plain),
    late: late.map(plain),
  };
}

function redisValue({ redis }: Explained) {
  if (typeof redis === 'string') return null;
  const person = redis.state === 'record' ? redis.person : undefined;
  const living = person && !('erased' in person) ? person : undefined;
  return {
    node: redis.node,
    state: person && 'erased' in person ? 'erased' : redis.state,
    says: redisText(redis),
    mark:
      'mark' in redis
        ? {
            keyspace: redis.mark.keyspace,
            as_of: timeOf(redis.mark.at),
            epoch: redis.mark.epoch,
          }
        : null,
    version: person?.version ?? null,
    color: living ? colorName(living.color) : null,
    areas: living?.areas ?? null,
    photo: living?.photo ?? null,
    xid: redis.state === 'record' ? redis.xid : null,
  };
}

function processValue({ name, address, answer, asOf }: Asked) {
  return {
    name,
    address,
    outcome: answer.outcome,
    reason: answer.reason ?? null,
    color: answer.color === undefined ? null : colorName(answer.color),
    photo: answer.photoId || null,
    version: answer.version ?? null,
    as_of: asOf === undefined ? null : timeOf(asOf),
    age_ms: answer.ageMs ?? null,
    stale: answer.fresh === undefined ? null : !answer.fresh,
    layer: answer.layer ?? null,
  };
}
