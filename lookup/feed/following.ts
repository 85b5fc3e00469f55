// What a process with Redis follows: the feed's stream, and the outbox where the stream has a gap or is away.

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { type Batch, type Cursor, covers, type Feed } from './feed.ts';
import { UnreadableMessageError } from './message.ts';
import type { OutboxFeed } from './outbox.ts';
import { parseSnapshot } from './outbox-sql.ts';
import { pause } from './pause.ts';
import type { Entry, RedisStream } from './redis-stream.ts';

export interface FollowingOptions {
  /** Redis must be away for so long before the outbox is read instead: a failover is not worth it. */
  readonly feedLostMs: number;
  /** Pause between two reads of the outbox then: every process does it. */
  readonly feedPollLostMs: number;
}

/** Batches of before that are remembered: an entry that names one of them continues it. */
const IDENTITIES_MAX = 1_000;
const RETRY_MS = 100;
const SAY_EVERY_MS = 60_000;

export type Way = 'stream' | 'outbox' | 'none';

export class FollowingFeed implements Feed {
  readonly #stream: Pick<RedisStream, 'position' | 'follow'>;
  readonly #outbox: Pick<OutboxFeed, 'catchUp'>;
  readonly #options: FollowingOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #applied = new Set<string>();
  #cursor: Cursor | undefined;
  /** The entry after which the stream is read; undefined: it has to be joined. */
  #last: string | undefined;
  #way: Way = 'none';
  #gaps = 0;
  #unreadable = 0;
  #saidMonoMs = -Infinity;

  constructor(
    stream: Pick<RedisStream, 'position' | 'follow'>,
    outbox: Pick<OutboxFeed, 'catchUp'>,
    options: FollowingOptions,
    clock: Clock,
    log: Log,
  ) {
    this.#stream = stream;
    this.#outbox = outbox;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  get way(): Way {
    return this.#way;
  }

  /** Times that something was missing between two batches. */
  get gaps(): number {
    return this.#gaps;
  }

  get unreadable(): number {
    return this.#unreadable;
  }

  /** Number of the last batch of the stream, '' before the first. */
  get position(): string {
    return this.#last ?? '';
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Batch> {
    let awaySinceMonoMs: number | undefined;
    while (!signal.aborted) {
      let there = false;
      try {
        const position = await this.#stream.position();
        if (position) {
          there = true;
          awaySinceMonoMs = undefined;
          if (yield* this.#join(position, signal)) yield* this.#read(signal);
          else await pause(RETRY_MS, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#onTrouble(error);
      }
      if (there) continue;
      awaySinceMonoMs ??= this.#clock.monoMs();
      if (this.#clock.monoMs() - awaySinceMonoMs < this.#options.feedLostMs) {
        await pause(RETRY_MS, signal);
        continue;
      }
      yield* this.#fromOutbox(signal);
      await pause(this.#options.feedPollLostMs, signal);
    }
  }

  /**
   * Takes the stream's tail first, then what lies between here and there, then follows from the tail. A tail that is a
   * piece of a large transaction says nothing of the pieces before it: only the outbox does.
   * @returns whether it could
   */
  async *#join(position: Entry, signal: AbortSignal): AsyncGenerator<Batch, boolean> {
    if (this.#isJoined(position)) return true;
    const cursor = this.#cursor;
    const { batch } = position;
    const isWhole = batch.ahead === undefined;
    if (!cursor && isWhole) {
      yield this.#note(batch);
    } else {
      let caughtUp = false;
      try {
        for await (const missed of this.#outbox.catchUp(cursor, signal)) yield this.#note(missed);
        caughtUp = true;
      } catch {
        // The source is away too. What the stream's tail has seen may still be all that was missed.
        if (!isWhole) return false;
      }
      const sameSource = this.#cursor?.epoch === batch.epoch;
      if (!caughtUp && !(sameSource && hasSeen(this.#cursor as Cursor, batch))) {
        yield this.#note({ ...batch, joins: sameSource ? 'restarts' : 'new-epoch' });
      }
    }
    this.#remember(position.identity);
    this.#last = position.id;
    this.#say('stream');
    return true;
  }

  /** A stream may end before what was read of it: a replica took over, or Redis began anew, and numbers start over. */
  #isJoined({ id, identity }: Entry): boolean {
    if (this.#last === undefined) return false;
    if (!isBefore(id, this.#last)) return true;
    if (this.#applied.has(identity)) this.#last = id;
    return this.#last === id;
  }

  async *#read(signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const entry of this.#stream.follow(this.#last as string, signal)) {
      if (!this.#applied.has(entry.before)) {
        this.#gaps += 1;
        this.#last = undefined;
        return;
      }
      this.#remember(entry.identity);
      this.#last = entry.id;
      const other = this.#cursor && this.#cursor.epoch !== entry.batch.epoch;
      yield this.#note(other ? { ...entry.batch, joins: 'new-epoch' } : entry.batch);
    }
  }

  async *#fromOutbox(signal: AbortSignal): AsyncGenerator<Batch> {
    try {
      for await (const batch of this.#outbox.catchUp(this.#cursor, signal)) {
        this.#last = undefined;
        this.#say('outbox');
        yield this.#note(batch);
      }
    } catch {
      if (!signal.aborted) this.#say('none');
    }
  }

  #note(batch: Batch): Batch {
    this.#cursor = batch.cursor;
    return batch;
  }

  #remember(identity: string): void {
    this.#applied.add(identity);
    if (this.#applied.size <= IDENTITIES_MAX) return;
    this.#applied.delete(this.#applied.values().next().value as string);
  }

  /** What cannot be read is a gap; said once a minute, however much comes. */
  #onTrouble(error: unknown): void {
    if (!(error instanceof UnreadableMessageError)) return;
    this.#unreadable += 1;
    this.#last = undefined;
    const now = this.#clock.monoMs();
    if (now - this.#saidMonoMs < SAY_EVERY_MS) return;
    this.#saidMonoMs = now;
    this.#log.error({ err: error }, 'the feed brings what cannot be read');
  }

  /** Once for each change. */
  #say(way: Way): void {
    if (way === this.#way) return;
    const was = this.#way;
    this.#way = way;
    const about = { was, is: way };
    if (way === 'stream') this.#log.info(about, 'following the feed');
    else this.#log.warn(about, 'the feed cannot be followed');
  }
}

/** Ids of entries: term-number. */
function isBefore(a: string, b: string): boolean {
  const [aTerm = 0, aNumber = 0] = a.split('-').map(Number);
  const [bTerm = 0, bNumber = 0] = b.split('-').map(Number);
  return aTerm < bTerm || (aTerm === bTerm && aNumber < bNumber);
}

function hasSeen(cursor: Cursor, batch: Batch): boolean {
  return covers(parseSnapshot(cursor.snapshot), batch.snapshot);
}
