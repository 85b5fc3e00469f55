// What one of each costs, as measured: read from a JSON file, so that whoever has measured on other machines brings
// their own. Imports nothing.

/** CPU microseconds. */
export const CPU = [
  /** A bare uWebSockets.js reply: the scale, and not part of any sum. */
  'bareReply',
  /** A phone whose token this process remembers, of somebody in memory. */
  'httpMemory',
  /** The same, with a token that it has never seen. */
  'httpFirstSeen',
  /** A phone whose token it remembers, of somebody who is only in Redis. */
  'httpRedis',
  /** A gate's call by a person's id, of somebody in memory. */
  'grpcUnary',
  /** A question on a stream, of somebody in memory. */
  'streamQuestion',
  'photo',
  /** A person read from the source: of the process that reads. */
  'sourceRead',
  /** A record read: of the Redis node. */
  'redisRead',
] as const;

export const BYTES = [
  /** A process that holds nobody. */
  'process',
  'record',
  'token',
  'redisRecord',
] as const;

export const TIMES = [
  /** What a question costs that comes by itself, of what it costs a busy process, which answers many in one turn. */
  'apart',
] as const;

type Cpu = (typeof CPU)[number];
type Bytes = (typeof BYTES)[number];

export interface Costs {
  /** When, and of which commit. */
  readonly measured: string;
  readonly us: Readonly<Record<Cpu, number>>;
  readonly bytes: Readonly<Record<Bytes, number>>;
  readonly times: Readonly<Record<(typeof TIMES)[number], number>>;
  /** Names of what nobody has measured. */
  readonly assumed: readonly string[];
}

/** Says what is wrong with a file that somebody gave. */
export class WrongFile extends Error {}

interface Entry {
  readonly value?: unknown;
  readonly from?: unknown;
  readonly assumed?: unknown;
}

/** @throws WrongFile */
export function costsOf(text: string): Costs {
  const file = parsed(text) as {
    readonly format?: unknown;
    readonly measured?: unknown;
    readonly us?: Readonly<Record<string, Entry>>;
    readonly bytes?: Readonly<Record<string, Entry>>;
    readonly times?: Readonly<Record<string, Entry>>;
  };
  if (file?.format !== 1) throw new WrongFile('"format" must be 1');
  if (typeof file.measured !== 'string')
    throw new WrongFile('"measured" must say when, and of which commit');
  return {
    measured: file.measured,
    us: valuesOf('us', CPU, file.us),
    bytes: valuesOf('bytes', BYTES, file.bytes),
    times: valuesOf('times', TIMES, file.times),
    assumed: [...assumedOf(file.us), ...assumedOf(file.bytes), ...assumedOf(file.times)],
  };
}

/** @throws WrongFile */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WrongFile(`no JSON: ${(error as Error).message}`);
  }
}

function valuesOf<N extends string>(
  kind: string,
  names: readonly N[],
  entries: Readonly<Record<string, Entry>> = {},
): Record<N, number> {
  for (const name of Object.keys(entries))
    if (!names.some((known) => known === name)) throw new WrongFile(`"${kind}.${name}" is no cost`);
  const values = names.map((name) => {
    const { value, from } = entries[name] ?? {};
    if (typeof value !== 'number' || !(value > 0 && value < 1e12))
      throw new WrongFile(`"${kind}.${name}.value" must be a number above 0`);
    if (typeof from !== 'string') throw new WrongFile(`"${kind}.${name}.from" must say its origin`);
    return [name, value];
  });
  return Object.fromEntries(values);
}

const assumedOf = (entries: Readonly<Record<string, Entry>> = {}) =>
  Object.keys(entries).filter((name) => entries[name]?.assumed === true);
