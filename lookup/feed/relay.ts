// The one process that carries the outbox into Redis and onto the feed. For each batch: the records, then a mark on
// each master, then the batch itself, which names the one before it. A master that cannot be written holds back its own
// mark and nothing else. Whatever the feed's node answers but "ok" ends this term: the next one begins from what lies
// on the feed, and delivers again what came after; versions make that harmless.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { colorName } from '../health-code.ts';
import type { Log } from '../log.ts';
import { byNode } from '../redis/by-node.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { APPEND, CLAIM_FEED, FEED_KEY, FLOORS_KEY, HEAD_KEY } from '../redis/scripts.ts';
import { slotOf } from '../redis/slots.ts';
import type { AreaFloor, Batch, Cursor } from './feed.ts';
import type { Lease } from './lease.ts';
import { aboutOf, packPeople, readAbout } from './message.ts';
import {
  NodeWriter,
  type NodeWriterOptions,
  type Packed,
  packPlaced,
  TermOverError,
} from './node-writer.ts';
import { CannotReplayError, type OutboxFeed } from './outbox.ts';
import { pause } from './pause.ts';

export interface RelayOptions extends NodeWriterOptions {
  readonly leaseMs: number;
  readonly feedHeartbeatMs: number;
  readonly feedBatchesMax: number;
  readonly redisConnectTimeoutMs: number;
}

export interface RelayParts {
  readonly nodes: RedisNodes;
  readonly lease: Lease;
  /** Followed while leading. */
  readonly outbox: OutboxFeed;
  /** On another connection: what a node missed is read beside the feed. */
  readonly replays: OutboxFeed;
  readonly clock: Clock;
  readonly log: Log;
  /** The records of this node are gone: somebody should fill it from the source. */
  readonly onEmptied?: (node: string) => void;
}

export interface RelayStats {
  batches: number;
  people: number;
  floors: number;
  terms: number;
  replays: number;
  emptied: number;
}

class FeedAwayError extends Error {
  override readonly name = 'FeedAwayError';
}

const RETRY_MS = 200;
const FIRST_RECOVERY_MS = 1_000;

export class Relay {
  readonly stats: RelayStats = {
    batches: 0,
    people: 0,
    floors: 0,
    terms: 0,
    replays: 0,
    emptied: 0,
  };
  readonly #parts: RelayParts;
  readonly #options: RelayOptions;
  #writers = new Map<string, NodeWriter>();
  #leading: AbortController | undefined;
  #appendedAt = 0;

  constructor(parts: RelayParts, options: RelayOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  get leads(): boolean {
    return this.#leading !== undefined;
  }

  /** Resolved time of the last batch that was appended, on the source's clock; 0 before the first. */
  get resolved(): number {
    return this.#appendedAt;
  }

  /** Masters that do not have all that was delivered. */
  get behind(): number {
    return [...this.#writers.values()].filter((writer) => writer.state !== 'current').length;
  }

  /** Leads whenever it may, until the signal aborts; then it lets the lease go. */
  async run(signal: AbortSignal): Promise<void> {
    const { lease, log, clock } = this.#parts;
    const began = clock.monoMs();
    const isConnecting = () => clock.monoMs() - began < this.#options.redisConnectTimeoutMs;
    let said = '';
    while (!signal.aborted) {
      try {
        // A term is worth taking only where it can be claimed.
        this.#feedNode();
        if (await lease.take(signal)) {
          said = '';
          await this.#lead(signal);
        }
      } catch (error) {
        const { message } = error as Error;
        // Who has just begun is not connected yet: that is no news.
        const isNews = message !== said && !(error instanceof FeedAwayError && isConnecting());
        if (isNews && !signal.aborted) {
          log.warn({ err: error }, 'the relay could not lead');
          said = message;
        }
      }
      await pause(RETRY_MS * (0.75 + Math.random() / 2), signal);
    }
    await lease.release(AbortSignal.timeout(1_000)).catch(() => {});
  }

  async #lead(outer: AbortSignal): Promise<void> {
    const { lease, log } = this.#parts;
    const leading = new AbortController();
    const signal = AbortSignal.any([outer, leading.signal]);
    const renewing = this.#renew(leading, signal);
    try {
      const feed = await this.#claimFeed(signal);
      this.#leading = leading;
      this.stats.terms += 1;
      log.info({ term: lease.term }, 'this relay leads');
      await this.#deliverAll(feed, signal);
    } finally {
      if (this.#leading) log.info({ term: lease.term }, 'this relay no longer leads');
      this.#leading = undefined;
      leading.abort();
      await renewing;
    }
  }

  async #renew(leading: AbortController, signal: AbortSignal): Promise<void> {
    const { lease } = this.#parts;
    while (!signal.aborted) {
      await pause(this.#options.leaseMs / 4, signal);
      if (signal.aborted) return;
      const held = await lease.take(signal).catch(() => lease.held);
      if (!held) leading.abort(new TermOverError('the lease was lost'));
    }
  }

  /** A term that is greater than any before, in the source and in Redis. */
  async #claimFeed(signal: AbortSignal): Promise<FeedTail> {
    const { lease } = this.#parts;
    for (;;) {
      await lease.take(signal, lease.term + 1);
      const reply = (await this.#feedNode().run(
        CLAIM_FEED,
        [FEED_KEY, HEAD_KEY],
        [lease.term, lease.holder],
        this.#options.relayWriteTimeoutMs,
      )) as Buffer[];
      const [said, term, identity, about] = reply.map((part) => part.toString());
      if (said === 'ok') return { identity: identity ?? '', about: about ?? '' };
      if (!(await lease.take(signal, Number(term) + 1)))
        throw new TermOverError('the lease was lost');
    }
  }

  #feedNode(): RedisNode {
    const node = this.#parts.nodes.nodeOf(slotOf(FEED_KEY));
    if (node?.connected) return node;
    this.#parts.nodes.refresh();
    throw new FeedAwayError('the node that holds the feed is not connected');
  }

  async #deliverAll(tail: FeedTail, signal: AbortSignal): Promise<void> {
    const term = new Term(this.#parts, this.#options, this.stats, tail.identity);
    this.#writers = term.writers;
    const start = await term.start(cursorOf(tail.about), signal);
    // Nodes that can be had at once are, so that a change of leaders sends nobody to the source.
    await Promise.race([term.recover(signal), pause(FIRST_RECOVERY_MS, signal)]);
    for await (const batch of this.#parts.outbox.follow(signal, start)) {
      if (!this.#parts.lease.held) throw new TermOverError('the lease ran out');
      if (await term.deliver(batch, signal)) this.#appendedAt = batch.resolved;
      term.recoverSoon(signal);
    }
    signal.throwIfAborted();
  }
}

interface FeedTail {
  readonly identity: string;
  readonly about: string;
}

function cursorOf(about: string): Cursor | undefined {
  return about === '' ? undefined : readAbout(about).cursor;
}

/** What is held while leading, for one term. */
class Term {
  readonly writers = new Map<string, NodeWriter>();
  readonly #parts: RelayParts;
  readonly #options: RelayOptions;
  readonly #stats: RelayStats;
  readonly #floors = new Map<number, AreaFloor>();
  #identity: string;
  #number = 0;
  /** All up to here has been delivered. */
  #cursor: Cursor | undefined;
  /** The last piece; whole batches are waited for. */
  #appending: Promise<void> | undefined;
  #appendedMonoMs = -Infinity;
  #floorsSent = false;
  /** Of a Redis that was empty as a whole when this term began, for those who were its masters then, once each. */
  #keyspace: string | undefined;
  #first = new Set<string>();
  /** By the node's name. */
  readonly #recovering = new Map<string, Promise<void>>();

  constructor(parts: RelayParts, options: RelayOptions, stats: RelayStats, identity: string) {
    this.#parts = parts;
    this.#options = options;
    this.#stats = stats;
    this.#identity = identity;
  }

  /**
   * Where to begin: after the feed's last batch; without one, after the furthest mark of a node; else now.
   * @param cursor of the feed's last batch
   */
  async start(cursor: Cursor | undefined, signal: AbortSignal): Promise<Cursor> {
    let now: Batch | undefined;
    for await (const batch of this.#parts.outbox.catchUp(undefined, signal)) now = batch;
    if (!now) throw new Error('the source did not say where it stands');
    for (const floor of now.floors) this.#keepFloor(floor);
    const marks = cursor ? [] : await this.#marks();
    const start = cursor ?? marks.sort((a, b) => b.at - a.at)[0] ?? now.cursor;
    // Redis is new, or empty: whatever is filled from now on lies in one keyspace.
    if (!cursor && marks.length === 0) {
      this.#keyspace = newKeyspace();
      this.#first = new Set(this.#parts.nodes.masters.map(({ name }) => name));
    }
    this.#cursor = start;
    return start;
  }

  #keepFloor(floor: AreaFloor): void {
    const kept = this.#floors.get(floor.area);
    if (!kept || kept.version < floor.version) this.#floors.set(floor.area, floor);
  }

  async #marks(): Promise<Cursor[]> {
    const { nodes, lease } = this.#parts;
    const found: Cursor[] = [];
    for (const node of nodes.masters) {
      const mark = await new NodeWriter(node, lease.term, this.#options)
        .claim()
        .catch(() => undefined);
      if (mark) found.push(mark);
    }
    return found;
  }

  /** @returns whether it was appended: an empty one only as a heartbeat */
  async deliver(batch: Batch, signal: AbortSignal): Promise<boolean> {
    const empty =
      batch.people.length + batch.floors.length === 0 &&
      !batch.firstLoad &&
      batch.joins === 'continues';
    const now = this.#parts.clock.monoMs();
    this.#meetNodes();
    const waiting = [...this.writers.values()].some((writer) => writer.state === 'caught');
    if (empty && !waiting && now - this.#appendedMonoMs < this.#options.feedHeartbeatMs)
      return false;
    const placed = batch.people.map(packPlaced);
    // A piece moves no mark: it may be written to the nodes while the one before is appended.
    if (!batch.ahead) await this.#appending;
    if (batch.joins === 'continues') await this.#writeNodes(batch, placed, signal);
    else await this.#restartNodes(batch, signal);
    await this.#appending;
    this.#appending = this.#append(batch, placed);
    this.#appending.catch(() => {});
    if (!batch.ahead) await this.#appending;
    this.#cursor = batch.cursor;
    this.#appendedMonoMs = now;
    return true;
  }

  /** Masters come and go with the topology. */
  #meetNodes(): void {
    const { nodes, lease } = this.#parts;
    const present = new Set<string>();
    for (const node of nodes.masters) {
      present.add(node.name);
      if (this.writers.get(node.name)?.node !== node)
        this.writers.set(node.name, new NodeWriter(node, lease.term, this.#options));
    }
    for (const name of this.writers.keys()) if (!present.has(name)) this.writers.delete(name);
  }

  /**
   * The mark of a piece says what was before it, which is where whoever applies the piece will be: empty batches that
   * were not worth a message lie between that and the last mark.
   */
  async #writeNodes(
    { ahead, cursor }: Batch,
    placed: readonly Packed[],
    signal: AbortSignal,
  ): Promise<void> {
    const sorted = this.#sort(placed);
    await this.#each(async (writer) => {
      if (writer.state === 'caught' && !ahead) {
        // What came since it was caught up, this batch included.
        await this.#replay(writer, writer.cursor as Cursor, cursor, signal);
        writer.state = 'current';
      } else if (writer.state === 'current') {
        await writer.write(bytesOf(sorted.get(writer.node)), cursor);
      }
    });
  }

  #sort(records: readonly Packed[]): Map<RedisNode, Packed[]> {
    return byNode(this.#parts.nodes, records, ({ slot }) => slot).sorted;
  }

  /**
   * Not all that changed is in this batch: each node gets it from the outbox, or begins anew. One that is behind may be
   * written by `recover` just now, which sees by its mark what it needs.
   */
  async #restartNodes(batch: Batch, signal: AbortSignal): Promise<void> {
    this.#floors.clear();
    this.#floorsSent = false;
    const keyspace = newKeyspace();
    await this.#each(async (writer) => {
      if (writer.state === 'behind') return;
      const from = writer.cursor as Cursor;
      const isReplayed =
        batch.joins === 'restarts' && (await this.#replayed(writer, from, batch.cursor, signal));
      if (!isReplayed) {
        await writer.begin(keyspace, batch.cursor);
        this.#emptied(writer);
      }
      writer.state = 'current';
    });
  }

  /** A node that fails is behind, and delays nothing after this. */
  async #each(work: (writer: NodeWriter) => Promise<void>): Promise<void> {
    const all = [...this.writers.values()].map(async (writer) => {
      try {
        await work(writer);
      } catch (error) {
        if (error instanceof TermOverError) throw error;
        this.#fallBehind(writer, error);
      }
    });
    await Promise.all(all);
  }

  #fallBehind(writer: NodeWriter, error: unknown): void {
    if (writer.state !== 'behind')
      this.#parts.log.warn({ err: error, node: writer.node.name }, 'a node fell behind');
    writer.state = 'behind';
    this.#parts.nodes.refresh();
  }

  /** A failure there is of one node, and seen by its state; a lost term is seen by the next append too. */
  recoverSoon(signal: AbortSignal): void {
    this.recover(signal).catch(() => {});
  }

  /**
   * Brings nodes that are behind to where the feed is; beside the feed, and as long as it takes. A node that is being
   * brought there already is left to that: two would undo each other's links.
   */
  async recover(signal: AbortSignal): Promise<void> {
    this.#meetNodes();
    const to = this.#cursor;
    if (!to) return;
    for (const writer of this.writers.values()) {
      const { name, connected } = writer.node;
      if (writer.state !== 'behind' || !connected || this.#recovering.has(name)) continue;
      const recovering = this.#recoverNode(writer, to, signal);
      this.#recovering.set(
        name,
        recovering.finally(() => this.#recovering.delete(name)),
      );
    }
    await Promise.all(this.#recovering.values());
  }

  async #recoverNode(writer: NodeWriter, to: Cursor, signal: AbortSignal): Promise<void> {
    try {
      await this.#catchUp(writer, to, signal);
      writer.state = 'caught';
      this.#parts.log.info({ node: writer.node.name }, 'a node has all up to here');
    } catch (error) {
      if (error instanceof TermOverError) throw error;
    }
  }

  async #catchUp(writer: NodeWriter, to: Cursor, signal: AbortSignal): Promise<void> {
    const { name } = writer.node;
    const mark = await writer.claim();
    const isSame = mark?.epoch === to.epoch;
    if (!(mark && isSame && (await this.#replayed(writer, mark, to, signal)))) {
      // New, emptied, of another source, or away for longer than the outbox is kept. A keyspace that others have too
      // is for its first time only: a fill that was meant for what it held before, or for the master whose empty
      // replica has taken over, must not fit.
      const isFirst = !mark && this.#first.has(name);
      await writer.begin(isFirst ? (this.#keyspace as string) : newKeyspace(), to);
      this.#emptied(writer);
    }
    this.#first.delete(name);
  }

  /** @returns false when the outbox no longer has all of it */
  async #replayed(
    writer: NodeWriter,
    from: Cursor,
    to: Cursor,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      await this.#replay(writer, from, to, signal);
      return true;
    } catch (error) {
      if (error instanceof CannotReplayError) return false;
      throw error;
    }
  }

  /** Writes all that changed on this node between two cursors, and then its mark. */
  async #replay(writer: NodeWriter, from: Cursor, to: Cursor, signal: AbortSignal): Promise<void> {
    this.#stats.replays += 1;
    for await (const people of this.#parts.replays.replay(from, to, signal)) {
      const sorted = this.#sort(people.map(packPlaced));
      await writer.write(bytesOf(sorted.get(writer.node)), undefined);
    }
    await writer.write([], to);
  }

  #emptied(writer: NodeWriter): void {
    this.#stats.emptied += 1;
    this.#parts.onEmptied?.(writer.node.name);
  }

  async #append(batch: Batch, placed: readonly Packed[]): Promise<void> {
    for (const floor of batch.floors) this.#keepFloor(floor);
    const floors = this.#floorsSent ? batch.floors : [...this.#floors.values()];
    const identity = randomBytes(9).toString('base64url');
    this.#number += 1;
    const { lease, nodes } = this.#parts;
    const node = nodes.nodeOf(slotOf(FEED_KEY));
    if (!node) throw new Error('no node holds the feed');
    const reply = await node.run(
      APPEND,
      [FEED_KEY, HEAD_KEY, FLOORS_KEY],
      [
        lease.term,
        lease.holder,
        this.#identity,
        identity,
        this.#number,
        aboutOf(batch),
        packPeople(placed),
        this.#options.feedBatchesMax,
        this.#floorsSent ? '' : 'all',
        ...floors.flatMap(({ area, floor, version }) => [area, `${colorName(floor)}:${version}`]),
      ],
      this.#options.relayWriteTimeoutMs,
    );
    const said = (reply as Buffer).toString();
    if (said !== 'ok') throw new TermOverError(`the feed says "${said}"`);
    this.#identity = identity;
    this.#floorsSent = true;
    this.#stats.batches += 1;
    this.#stats.people += batch.people.length;
    this.#stats.floors += batch.floors.length;
  }
}

const bytesOf = (records: readonly Packed[] = []) => records.map(({ bytes }) => bytes);
const newKeyspace = () => randomBytes(6).toString('hex');
