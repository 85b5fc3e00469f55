// What status says of Redis, its feed and the relays, and what of it is trouble.

import type { SourceMs } from '../health-code.ts';
import { grouped } from './confirm.ts';
import { time } from './process-figures.ts';
import type { MasterState, RedisState } from './redis-state.ts';
import type { SourceState } from './source-state.ts';

/** A relay that was asked at its ops port. */
export interface RelayLook {
  readonly name: string;
  readonly leads: boolean;
  readonly term: number | null;
  readonly nodesBehind: number | null;
}

/** Answers older than this are marked stale, unless told otherwise: then somebody should look. */
const BEHIND_MAX_S = 2;

export class RedisReport {
  readonly #redis: RedisState;
  readonly #relays: readonly RelayLook[];
  readonly #source: SourceState | undefined;

  /** @param source undefined: it could not be asked, and no age is known */
  constructor(redis: RedisState, relays: readonly RelayLook[], source: SourceState | undefined) {
    this.#redis = redis;
    this.#relays = relays;
    this.#source = source;
  }

  lines(): string[] {
    const { masters, slotsLost } = this.#redis;
    const lost = slotsLost > 0 ? `, NOBODY HOLDS ${grouped(slotsLost)} slots` : '';
    return [
      `relays  ${this.#relayText()}`,
      `feed    ${this.#feedText()}`,
      `redis   ${masters.length} masters${lost}`,
      ...masters.map((master) => `  ${master.name}  ${this.#masterText(master)}`),
    ];
  }

  #relayText(): string {
    const leaders = this.#relays.filter(({ leads }) => leads).map(relayText);
    const others = this.#relays.filter(({ leads }) => !leads).map(({ name }) => name);
    if (this.#relays.length === 0) return 'NONE is registered';
    const leading = leaders.length === 0 ? 'NOBODY LEADS' : `${leaders.join(' and ')} leads`;
    return `${leading}; ${others.length === 0 ? 'no other stands by' : `${others.join(', ')} stands by`}`;
  }

  #feedText(): string {
    const { feed } = this.#redis;
    if (!feed) return 'NONE: no relay has led yet, or its node does not answer';
    const { position, term, batches, epoch } = feed;
    const behind = this.#ageText(feed.at);
    const kept = `${grouped(batches)} batches kept`;
    return `at ${position}, ${behind} behind the source, term ${term}, ${kept}, epoch ${epoch}`;
  }

  #masterText({ slots, connected, mark, trouble }: MasterState): string {
    const what = `${grouped(slots)} slots, ${connected ? 'connected' : 'NOT CONNECTED'}`;
    if (trouble !== undefined) return `${what}: ${trouble}`;
    if (!mark) return `${what}, NO MARK: what lies there counts for nothing`;
    const other = this.#isOther(mark.epoch) ? `, ANOTHER EPOCH ${mark.epoch}` : '';
    return `${what}, mark ${this.#ageText(mark.at)} old, keyspace ${mark.keyspace}, term ${mark.term}${other}`;
  }

  troubles(): string[] {
    const { masters, slotsLost, feed, registered } = this.#redis;
    const troubles: string[] = [];
    if (slotsLost > 0) troubles.push(`no node of Redis holds ${grouped(slotsLost)} slots`);
    for (const { name, mark, trouble } of masters) {
      if (trouble !== undefined) troubles.push(`Redis at ${name}: ${trouble}`);
      else if (!mark) troubles.push(`Redis at ${name} has no mark: no relay has been there`);
      else troubles.push(...this.#behind(`the mark of Redis at ${name}`, mark));
    }
    if (feed) troubles.push(...this.#behind('the feed', feed));
    else
      troubles.push('there is no feed in Redis: no relay has led yet, or its node does not answer');
    if (registered === undefined) troubles.push('the list of processes in Redis cannot be read');
    else if (registered.length === 0) troubles.push('no process is registered in Redis');
    const leaders = this.#relays.filter(({ leads }) => leads).length;
    if (leaders === 0) troubles.push('no relay that can be asked leads');
    if (leaders > 1)
      troubles.push(`${leaders} relays say that they lead: one of them is about to learn`);
    return troubles;
  }

  #behind(what: string, { at, epoch }: { at: SourceMs; epoch: string }): string[] {
    if (this.#isOther(epoch))
      return [`${what} is of epoch ${epoch}, the source of ${this.#source?.epoch}`];
    const ageS = this.ageS(at);
    return ageS !== null && ageS > BEHIND_MAX_S ? [`${what} is ${time(ageS)} behind`] : [];
  }

  #isOther(epoch: string): boolean {
    return this.#source?.epoch !== undefined && this.#source.epoch !== epoch;
  }

  /** @returns null when it is not known what time it is at the source */
  ageS(at: SourceMs): number | null {
    const now = this.#source?.nowMs;
    return now === undefined ? null : Math.max(0, now - at) / 1_000;
  }

  #ageText(at: SourceMs): string {
    const ageS = this.ageS(at);
    return ageS === null ? 'an unknown time' : time(ageS);
  }

  value() {
    const { masters, slotsLost, feed } = this.#redis;
    return {
      slots_lost: slotsLost,
      masters: masters.map(({ name, slots, connected, mark, trouble }) => ({
        name,
        slots,
        connected,
        mark: mark
          ? {
              age_s: this.ageS(mark.at),
              keyspace: mark.keyspace,
              epoch: mark.epoch,
              term: mark.term,
            }
          : null,
        trouble: trouble ?? null,
      })),
      feed: feed
        ? {
            position: feed.position,
            lag_s: this.ageS(feed.at),
            term: feed.term,
            epoch: feed.epoch,
            batches: feed.batches,
          }
        : null,
      relays: this.#relays.map(({ name, leads, term, nodesBehind }) => ({
        name,
        leads,
        term,
        nodes_behind: nodesBehind,
      })),
    };
  }
}

function relayText({ name, term, nodesBehind }: RelayLook): string {
  const behind = nodesBehind ? `, ${nodesBehind} masters BEHIND` : '';
  return `${name} (term ${term ?? 'not known'}${behind})`;
}
