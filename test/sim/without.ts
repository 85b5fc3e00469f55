// The system less one rule each. A run of it must come to a wrong answer: else the rule is not held by the schedules.
//
// Four rules are not here: no schedule was found that needs them, by hand or among hundreds by chance, because another
// rule stands before each.
//   the term on the feed   two relays that lead at once break each other's chain
//   the term on nodes      and each other's links; a mark is of what its writer has written there
//   the epoch of fills     a node that follows another source has another keyspace
//   the epoch of nodes     what a node had by then is from before the new epoch

import type { Batch, Cursor } from '../../lookup/feed/feed.ts';
import { Freshness } from '../../lookup/feed/freshness.ts';
import type { Held } from '../../lookup/feed/held.ts';
import { OutboxFeed } from '../../lookup/feed/outbox.ts';
import type { Entry, RedisStream } from '../../lookup/feed/redis-stream.ts';
import type { Layer, LayerRead } from '../../lookup/layers/layer.ts';
import { POSTGRES_RULES, type PostgresRules } from './postgres-sql.ts';
import { PROCESS_PARTS, type ProcessParts } from './process.ts';
import { appendWith, fillWith, putWith, relayWriteWith, type ScriptOf } from './redis-scripts.ts';
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

const FILL_RULES = { keyspace: true, age: true };
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
class LayersOfBefore extends Freshness {
  override isBeforeForgotten(): boolean {
    return false;
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

class NoNewGeneration extends Freshness {
  override apply(batch: Batch): void {
    const goesOn = this.started && batch.joins === 'restarts';
    super.apply(goesOn ? { ...batch, joins: 'continues' } : batch);
  }
}

/** Each piece of a large transaction is of the time of the whole. */
class PiecesSayNothing extends OutboxFeed {
  override async *follow(signal: AbortSignal, from?: Cursor): AsyncGenerator<Batch> {
    let pieces: Batch[] = [];
    for await (const batch of super.follow(signal, from)) {
      const { cursor, resolved, snapshot, ahead } = batch;
      pieces.push(batch);
      if (ahead) continue;
      for (const piece of pieces) yield { ...piece, cursor, resolved, snapshot, ahead };
      pieces = [];
    }
  }
}

/** Whatever comes next continues what came before. */
const acceptsAny = (stream: RedisStream): Pick<RedisStream, 'position' | 'follow'> => {
  let identity = '';
  return {
    async position() {
      const position = await stream.position();
      // Once joined, what was applied last is what the next is said to continue.
      identity ||= position?.identity ?? '';
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

const unmarked = (read: LayerRead | undefined): LayerRead | undefined => {
  const hit = read?.hit && { ...read.hit, asOf: Infinity };
  return read && { hit, fill: (...all) => read.fill(...all) };
};

/** What lies in a node is as good as the process itself, whatever the node's mark says. */
const ignoresMarks = (layer: Layer): Layer => ({
  name: layer.name,
  async get(subject) {
    const read = await layer.get(subject);
    return read && 'late' in read ? { late: read.late.then(unmarked) } : unmarked(read);
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
  'refusing what a layer had before a new epoch': freshness(LayersOfBefore),
  'the floors of an ended generation': freshness(FloorsOfNow),
  'ages from a round trip': freshness(AgeSinceReceipt),
  'what memory evicts in the fence': process({ notesEvicted: false }),
  'a new generation at a restart': freshness(NoNewGeneration),
  'a new epoch': batches((batch) =>
    batch.joins === 'new-epoch' ? { ...batch, joins: 'continues' } : batch,
  ),
  'the mark of a first load': batches((batch) => ({ ...batch, firstLoad: false })),
  'pieces that say so': { outbox: PiecesSayNothing },
  'dropping negatives': process({ held: keepsNegatives }),
  'dropping what was read whole': process({ held: keepsWhole }),
  'the chain in processes': process({ stream: acceptsAny }),
  'knowing a piece from a position': process({ stream: pieceIsAPosition }),
  'marks of nodes': process({ layer: ignoresMarks }),
  'the chain in Redis': scripts({ append: appendWith({ chain: false }) }),
  'links of node writes': scripts({ 'relay-write': relayWriteWith({ link: false }) }),
  'the keyspace of fills': scripts({ fill: fillWith({ ...FILL_RULES, keyspace: false }) }),
  'the age of fills': scripts({ fill: fillWith({ ...FILL_RULES, age: false }) }),
  'only if newer, for fills': scripts({ fill: fillWith(FILL_RULES, putAnything) }),
  'only if newer, for the relay': scripts({
    'relay-write': relayWriteWith({ link: true }, putAnything),
  }),
  'open transactions in a cursor': postgres({ readsOpenOnes: false }),
  'a time from before the snapshot': postgres({ timeIsBefore: false }),
  'a trim floor': postgres({ tellsTrimmed: false }),
  'tokens of history': postgres({ tellsOther: false }),
  'the epoch of reads': postgres({ tellsOfReads: false }),
  'telling floors from people': postgres({ tellsFloors: false }),
  'only the last of two changes in a transaction': postgres({ tellsLast: false }),
} satisfies Record<string, Partial<SimParts>>;
