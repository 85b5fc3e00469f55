import type { PersonRecord, Subject, Tombstone } from '../health-code.ts';
import { decode, FORMAT } from '../layers/record-codec.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { type NodeMark, readPlaces } from '../redis/records.ts';
import { PLACE_BYTES, placeInto, slotOfBucket } from '../redis/slots.ts';

/** What lies in Redis where a person's record has its place. */
export type InRedis = { readonly node: string } & (
  | { readonly state: 'away'; readonly why: string }
  /** Whatever lies there counts for nothing. */
  | { readonly state: 'unmarked' }
  | ({ readonly mark: NodeMark } & (
      | { readonly state: 'nothing' }
      | { readonly state: 'unreadable'; readonly why: string }
      /** Somebody else's record, sound in itself. */
      | { readonly state: 'foreign'; readonly of: Subject }
      | {
          readonly state: 'record';
          readonly person: PersonRecord | Tombstone;
          readonly xid: number;
        }
    ))
);

const PLACES_A_CALL = 500;
const TIMEOUT_MS = 2_000;

/** In the order of the subjects. */
export async function lookInRedis(
  nodes: RedisNodes,
  subjects: readonly Subject[],
): Promise<InRedis[]> {
  const found: InRedis[] = new Array(subjects.length);
  const byNode = new Map<RedisNode, { at: number; place: Buffer }[]>();
  for (const [at, subject] of subjects.entries()) {
    const place = Buffer.allocUnsafe(PLACE_BYTES);
    const node = nodes.nodeOf(slotOfBucket(placeInto(place, 0, subject)));
    if (!node) {
      found[at] = { node: '', state: 'away', why: 'no node holds its slot' };
      continue;
    }
    const list = byNode.get(node);
    if (list) list.push({ at, place });
    else byNode.set(node, [{ at, place }]);
  }
  const looks = [...byNode].map(async ([node, all]) => {
    for (let from = 0; from < all.length; from += PLACES_A_CALL) {
      const some = all.slice(from, from + PLACES_A_CALL);
      const places = some.map(({ place }) => place);
      const see = await lookOnNode(node, places);
      for (const [i, { at }] of some.entries()) found[at] = see(i, subjects[at] as Subject);
    }
  });
  await Promise.all(looks);
  return found;
}

type See = (i: number, subject: Subject) => InRedis;

async function lookOnNode(node: RedisNode, places: readonly Buffer[]): Promise<See> {
  const { name } = node;
  try {
    const records = await readPlaces(node, places, TIMEOUT_MS);
    if (!records) return () => ({ node: name, state: 'unmarked' });
    const { mark, values } = records;
    return (i, subject) => ({ node: name, mark, ...seen(values[i] as Buffer, subject) });
  } catch (error) {
    const why = (error as Error).message;
    return () => ({ node: name, state: 'away', why });
  }
}

function seen(value: Buffer, subject: Subject) {
  if (value.length === 0) return { state: 'nothing' } as const;
  const envelope = decode(value);
  if (!envelope) {
    const why = value[0] === FORMAT ? 'torn' : `of format ${value[0]}`;
    return { state: 'unreadable', why } as const;
  }
  const { person, xid } = envelope;
  return person.subject === subject
    ? ({ state: 'record', person, xid } as const)
    : ({ state: 'foreign', of: person.subject } as const);
}
