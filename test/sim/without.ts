// The system less one rule each. A run of it must come to a wrong answer: else the rule is not held by the schedules.

import type { Batch } from '../../lookup/feed/feed.ts';
import { Freshness } from '../../lookup/feed/freshness.ts';
import type { Held } from '../../lookup/feed/held.ts';
import type { Entry, RedisStream } from '../../lookup/feed/redis-stream.ts';
import type { Layer } from '../../lookup/layers/layer.ts';
import { POSTGRES_RULES, type PostgresRules } from './postgres-sql.ts';
import { PROCESS_PARTS, type ProcessParts } from './process.ts';
import {
  appendWith,
  beginNodeWith,
  claimFeedWith,
  claimNodeWith,
  fillWith,
  putWith,
  relayWriteWith,
  type ScriptOf,
} from './redis-scripts.ts';
import type { SimParts } from './world.ts';

const process = (parts: Partial<ProcessParts>): Partial<SimParts> => ({
  process: { ...PROCESS_PARTS, ...parts },
});
const postgres = (rules: Partial<PostgresRules>): Partial<SimParts> => ({
  postgres: { ...POSTGRES_RULES, ...rules },
});
const scripts = (all: Record<string, ScriptOf>): Partial<SimParts> => ({ scripts: all });
const freshness = (
  Less: new (...values: ConstructorParameters<typeof Freshness>) => Freshness,
): Partial<SimParts> => process({ freshness: (options, clock) => new Less(options, clock) });
const batches = (change: (batch: Batch) => Batch) => process({ batch: change });

const FILL_RULES = { keyspace: true, epoch: true, age: true };
const putAnything = putWith(() => true);

class NoFence extends Freshness {
  override isOvertaken(): boolean {
    return false;
  }
}
class OneInstantOff extends Freshness {
  override mayKeep(_xid: number, beganMonoMs: number): boolean {
    return super.mayKeep(0, beganMonoMs);
  }
}
class AbsentUnfenced extends Freshness {
  override mayBeAbsent(): boolean {
    return true;
  }
}
class KeepsEarlyReads extends Freshness {
  override isSinceFollowing(): boolean {
    return true;
  }
}
class KeepsEarlyAbsents extends Freshness {
  override mayKeepAbsent(): boolean {
    return true;
  }
}
class FenceForgetsInSilence extends Freshness {
  override mayKeep(xid: number): boolean {
    return super.mayKeep(xid, Number.MAX_VALUE);
  }
}
class FloorsOfNow extends Freshness {
  constructor(...values: ConstructorParameters<typeof Freshness>) {
    super(...values);
    this.floors.of = () => this.floors.byIndex;
  }
}
class AgeSinceReceipt extends Freshness {
  readonly #clock: { monoMs(): number };
  constructor(...values: ConstructorParameters<typeof Freshness>) {
    super(...values);
    this.#clock = values[1];
  }
  override apply(batch: Batch): void {
    super.apply({ ...batch, askedMonoMs: this.#clock.monoMs() });
  }
}

/** Whatever comes next continues what came before. */
const acceptsAny = (stream: RedisStream): Pick<RedisStream, 'position' | 'follow'> => {
  let identity = '';
  return {
    async position() {
      const position = await stream.position();
      if (position) identity = position.identity;
      return position;
    },
    async *follow(after, signal): AsyncGenerator<Entry> {
      for await (const entry of stream.follow(after, signal)) {
        const before = identity;
        identity = entry.identity;
        yield { ...entry, before };
      }
    },
  };
};

const pieceIsAPosition = (stream: RedisStream): Pick<RedisStream, 'position' | 'follow'> => ({
  async position() {
    const position = await stream.position();
    return position && { ...position, batch: { ...position.batch, ahead: undefined } };
  },
  follow: (after, signal) => stream.follow(after, signal),
});

/** What lies in a node is as good as the process itself, whatever the node's mark says. */
const ignoresMarks = (layer: Layer): Layer => ({
  name: layer.name,
  async get(subject) {
    const read = await layer.get(subject);
    return read && { ...read, hit: read.hit && { ...read.hit, asOf: Infinity } };
  },
});

const ignoresEpoch = (layer: Layer, { epoch }: Freshness): Layer => ({
  name: layer.name,
  async get(subject) {
    const read = await layer.get(subject);
    return read && { ...read, hit: read.hit && { ...read.hit, epoch: epoch ?? read.hit.epoch } };
  },
});

const keepsNegatives = (held: Held): Held => ({
  ...held,
  negatives: { clear: () => held.negatives.clear(), delete() {} },
});
const keepsWhole = (held: Held): Held => ({
  ...held,
  whole: { clear: () => held.whole.clear(), delete() {} },
});

export const WITHOUT = {
  'the fence': freshness(NoFence),
  'one instant for record and floors': freshness(OneInstantOff),
  'a fence for the absent': freshness(AbsentUnfenced),
  'refusing reads begun before following': freshness(KeepsEarlyReads),
  'refusing absents begun before following': freshness(KeepsEarlyAbsents),
  'refusing reads older than the fence': freshness(FenceForgetsInSilence),
  'the floors of an ended generation': freshness(FloorsOfNow),
  'ages from a round trip': freshness(AgeSinceReceipt),
  'what memory evicts in the fence': process({ notesEvicted: false }),
  'a new generation at a restart': batches((batch) =>
    batch.joins === 'restarts' ? { ...batch, joins: 'continues' } : batch,
  ),
  'a new epoch': batches((batch) =>
    batch.joins === 'new-epoch' ? { ...batch, joins: 'continues' } : batch,
  ),
  'the mark of a first load': batches((batch) => ({ ...batch, firstLoad: false })),
  'pieces that say so': batches((batch) =>
    batch.ahead ? { ...batch, snapshot: batch.ahead, resolved: batch.resolved } : batch,
  ),
  'dropping negatives': process({ held: keepsNegatives }),
  'dropping what was read whole': process({ held: keepsWhole }),
  'the chain in processes': process({ stream: acceptsAny }),
  'knowing a piece from a position': process({ stream: pieceIsAPosition }),
  'marks of nodes': process({ layer: ignoresMarks }),
  'the epoch of nodes': process({ layer: ignoresEpoch }),
  'the chain in Redis': scripts({ append: appendWith({ term: true, chain: false }) }),
  'the term on the feed': scripts({
    append: appendWith({ term: false, chain: false }),
    'claim-feed': claimFeedWith({ term: false }),
  }),
  'the term on nodes': scripts({
    'relay-write': relayWriteWith({ link: false, term: false }),
    'claim-node': claimNodeWith({ term: false }),
    'begin-node': beginNodeWith({ term: false }),
  }),
  'links of node writes': scripts({ 'relay-write': relayWriteWith({ link: false, term: true }) }),
  'the keyspace of fills': scripts({ fill: fillWith({ ...FILL_RULES, keyspace: false }) }),
  'the epoch of fills': scripts({ fill: fillWith({ ...FILL_RULES, epoch: false }) }),
  'the age of fills': scripts({ fill: fillWith({ ...FILL_RULES, age: false }) }),
  'only if newer, for fills': scripts({ fill: fillWith(FILL_RULES, putAnything) }),
  'only if newer, for the relay': scripts({
    'relay-write': relayWriteWith({ link: true, term: true }, putAnything),
  }),
  'open transactions in a cursor': postgres({ readsOpenOnes: false }),
  'a time from before the snapshot': postgres({ timeIsBefore: false }),
  'a trim floor': postgres({ tellsTrimmed: false }),
  'tokens of history': postgres({ tellsOther: false }),
  'telling floors from people': postgres({ tellsFloors: false }),
  'only the last of two changes in a transaction': postgres({ tellsLast: false }),
} satisfies Record<string, Partial<SimParts>>;
