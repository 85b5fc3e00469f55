// The feed as it comes from Redis: where it stands, and what comes after. Each batch names the one before it, so that a
// gap is seen by whoever reads, whatever the numbers say.

import { colorOf } from '../health-code.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import { FEED_KEY, FLOORS_KEY, POSITION } from '../redis/scripts.ts';
import { slotOf } from '../redis/slots.ts';
import type { AreaFloor, Batch } from './feed.ts';
import { toBatch, UnreadableMessageError } from './message.ts';

export interface RedisStreamOptions {
  readonly redisTimeoutHardMs: number;
  /** Silence after which the connection is not trusted any more. */
  readonly feedSilenceMs: number;
}

export interface Entry {
  /** Its number in the stream. */
  readonly id: string;
  readonly identity: string;
  /** Identity of the batch before it; empty for the first. */
  readonly before: string;
  readonly batch: Batch;
}

/** Nothing came for too long, on a connection that seems to live. */
export class SilentFeedError extends Error {
  override readonly name = 'SilentFeedError';
}

const ENTRIES_AT_ONCE = 64;
/** The feed's node may be busy with a large script; nobody waits for this. */
const POSITION_TIMEOUT_MS = 1_000;

type RawEntry = [Buffer, Buffer[]];

export class RedisStream {
  readonly #nodes: RedisNodes;
  readonly #options: RedisStreamOptions;
  readonly #slot = slotOf(FEED_KEY);

  constructor(nodes: RedisNodes, options: RedisStreamOptions) {
    this.#nodes = nodes;
    this.#options = options;
  }

  /**
   * Where the feed stands: its last batch as one that `restarts`, with all floors as of it. One that is a piece of a
   * large transaction is no place to start from: the pieces before it are not in it.
   * @returns undefined when there is no feed (Redis is empty, no relay has led yet)
   * @throws when Redis does not say
   */
  async position(): Promise<Entry | undefined> {
    const node = this.#nodes.nodeOf(this.#slot);
    if (!node) {
      this.#nodes.refresh();
      throw new Error('no node holds the feed');
    }
    const reply = (await node.run(POSITION, [FEED_KEY, FLOORS_KEY], [], POSITION_TIMEOUT_MS)) as
      | []
      | [Buffer, Buffer, Buffer, Buffer[]];
    if (reply.length === 0) return undefined;
    const [id, identity, about, floors] = reply;
    const batch = toBatch(about.toString(), Buffer.alloc(0));
    return {
      id: id.toString(),
      identity: identity.toString(),
      before: '',
      batch: { ...batch, joins: 'restarts', floors: readFloors(floors) },
    };
  }

  /**
   * What comes after an entry, on a connection of its own.
   * @throws SilentFeedError, UnreadableMessageError, or what the connection says; ends when the signal aborts
   */
  async *follow(after: string, signal: AbortSignal): AsyncGenerator<Entry> {
    const connection = this.#nodes.dedicated(this.#slot);
    if (!connection) throw new Error('no node holds the feed');
    const end = () => connection.close();
    signal.addEventListener('abort', end, { once: true });
    try {
      let last = after;
      while (!signal.aborted) {
        const reply = await connection.command(
          [
            'XREAD',
            'COUNT',
            ENTRIES_AT_ONCE,
            'BLOCK',
            this.#options.feedSilenceMs,
            'STREAMS',
            FEED_KEY,
            last,
          ],
          this.#options.feedSilenceMs + this.#options.redisTimeoutHardMs + 200,
        );
        if (reply === null) throw new SilentFeedError('nothing came on the feed');
        for (const raw of (reply as [Buffer, RawEntry[]][])[0]?.[1] ?? []) {
          const entry = toEntry(raw);
          last = entry.id;
          yield entry;
        }
      }
    } finally {
      signal.removeEventListener('abort', end);
      connection.close();
    }
  }
}

function toEntry([id, fields]: RawEntry): Entry {
  const values = new Map<string, Buffer>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    values.set((fields[i] as Buffer).toString(), fields[i + 1] as Buffer);
  }
  const [identity, before, about] = ['id', 'before', 'about'].map((name) => values.get(name));
  if (!identity || !before || !about)
    throw new UnreadableMessageError('an entry of the feed lacks its parts');
  return {
    id: id.toString(),
    identity: identity.toString(),
    before: before.toString(),
    batch: toBatch(about.toString(), values.get('people') ?? Buffer.alloc(0)),
  };
}

/** area, "floor:version", … */
function readFloors(pairs: readonly Buffer[]): AreaFloor[] {
  const floors: AreaFloor[] = [];
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const [name, version] = (pairs[i + 1] as Buffer).toString().split(':');
    const floor = colorOf(name ?? '');
    const area = Number((pairs[i] as Buffer).toString());
    if (!floor || !Number.isSafeInteger(area) || !(Number(version) > 0))
      throw new UnreadableMessageError('a floor in Redis cannot be read');
    floors.push({ area, floor, version: Number(version) });
  }
  return floors;
}
