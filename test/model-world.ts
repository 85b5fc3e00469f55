// The heart of one process over a model source. Time, statements, replies and batches move only when told to; each
// answer is judged when it is given.

import { expect, vi } from 'vitest';
import { ManualClock } from '../lookup/clock.ts';
import { configWith } from '../lookup/config.ts';
import type { Batch } from '../lookup/feed/feed.ts';
import { Freshness } from '../lookup/feed/freshness.ts';
import { applyBatch } from '../lookup/feed/held.ts';
import type { LoadedOne } from '../lookup/guards/guarded-source.ts';
import { SingleFlight } from '../lookup/guards/single-flight.ts';
import {
  type Answer,
  type Color,
  type Found,
  GREEN,
  type Subject,
  YELLOW,
} from '../lookup/health-code.ts';
import { BoundedMap } from '../lookup/layers/bounded-map.ts';
import type { Layer } from '../lookup/layers/layer.ts';
import { Memory } from '../lookup/layers/memory.ts';
import type { Negative } from '../lookup/layers/remembered.ts';
import { Lookup } from '../lookup/lookup.ts';
import { ModelSource } from './model-source.ts';

export const CONFIG = configWith({});

/** A question to the source that is under way. */
interface Load {
  readonly subject: Subject;
  readonly beganMonoMs: number;
  readonly isOver: () => boolean;
  seen: Pick<LoadedOne, 'asOf' | 'row'> | undefined;
  readonly resolve: (loaded: LoadedOne) => void;
  readonly reject: (error: Error) => void;
}

export interface ModelWorldOptions {
  readonly memoryRecordsMax?: number;
  readonly fenceEntriesMax?: number;
  readonly layers?: readonly Layer[];
  readonly flights?: SingleFlight<Answer>;
}

/** Timers wait until a world lets time pass; what belongs to the end of a turn does not. */
export function holdTime(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Needs vitest's fake timers: the code's waits are real ones. */
export class ModelWorld {
  readonly clock = new ManualClock();
  readonly source = new ModelSource(this.clock);
  readonly freshness: Freshness;
  readonly memory: Memory;
  readonly flights: SingleFlight<Answer>;
  readonly negatives = new BoundedMap<string, Negative>({ entriesMax: 8 });
  readonly whole = new BoundedMap<string, Found>({ entriesMax: 8 });
  readonly lookup: Lookup;
  readonly loads: Load[] = [];
  /** Questions that the source's guard has waiting, as it says. */
  queued = 0;
  readonly given: Answer[] = [];
  readonly #newest = new Map<Subject, number>();
  readonly #faults: unknown[] = [];
  #applied: Batch | undefined;
  #inTransit: Batch | undefined;

  constructor(options: ModelWorldOptions = {}) {
    const { memoryRecordsMax = 8, fenceEntriesMax = 100, layers = [] } = options;
    const { flights = new SingleFlight<Answer>() } = options;
    const { clock, negatives, whole } = this;
    const freshness = new Freshness({ ...CONFIG, fenceEntriesMax }, clock);
    const memory = new Memory({ memoryRecordsMax }, freshness.floors);
    memory.onEvict = (subject, version, generation) => {
      if (generation === freshness.generation) freshness.fence.note(subject, version);
    };
    const world = this;
    const source = {
      get queued() {
        return world.queued;
      },
      load: (subject: Subject, isOver: () => boolean) =>
        new Promise<LoadedOne>((resolve, reject) => {
          const beganMonoMs = clock.monoMs();
          this.loads.push({ subject, beganMonoMs, isOver, seen: undefined, resolve, reject });
        }),
    };
    const parts = { memory, negatives, whole, layers, source, freshness, flights, clock };
    this.freshness = freshness;
    this.flights = flights;
    this.memory = memory;
    this.lookup = new Lookup(parts, CONFIG);
  }

  /** Lets all that can happen now happen. */
  async settle(): Promise<void> {
    await vi.advanceTimersByTimeAsync(0);
    await turn();
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await vi.advanceTimersByTimeAsync(ms);
    await turn();
  }

  /** The outbox is read; what was read is under way until it is delivered. */
  poll(joins: Batch['joins'] = 'continues'): void {
    this.#inTransit ??= this.source.batch(
      this.#applied?.snapshot ?? { xmax: 0, xip: [] },
      this.#applied ? joins : 'restarts',
    );
  }

  deliver(): void {
    const batch = this.#inTransit;
    if (!batch) return;
    this.#inTransit = undefined;
    this.#applied = batch;
    applyBatch(batch, this.freshness, this);
  }

  /** Reads the outbox and applies what it says. */
  follow(joins: Batch['joins'] = 'continues'): void {
    this.poll(joins);
    this.deliver();
  }

  /** @param minAsOf as of `lookup_mark()` @returns the answer, once it is given */
  ask(subject: Subject, minAsOf = -Infinity, timeoutMs = 1e6): { answer: Answer | undefined } {
    const asked: { answer: Answer | undefined } = { answer: undefined };
    const give = (answer: Answer) => {
      this.#judge(subject, answer, minAsOf);
      asked.answer = answer;
      this.given.push(answer);
    };
    const answer = this.lookup.find(subject, this.clock.monoMs() + timeoutMs, minAsOf);
    if (!(answer instanceof Promise)) give(answer);
    else void answer.then(give).catch((error) => this.#faults.push(error));
    return asked;
  }

  /** The statement is done; its answer may still be under way. */
  read(n = 0): void {
    const load = this.loads[n % this.loads.length];
    if (load) load.seen ??= this.source.read(load.subject);
  }

  reply(n = 0): void {
    const [load] = this.loads.splice(n % this.loads.length, 1);
    if (!load) return;
    const { subject, beganMonoMs } = load;
    load.resolve({ beganMonoMs, epoch: undefined, ...(load.seen ?? this.source.read(subject)) });
  }

  fail(n = 0): void {
    const [load] = this.loads.splice(n % this.loads.length, 1);
    load?.reject(new Error('the source is away'));
  }

  /** In a transaction of its own; undefined erases. */
  set(subject: Subject, color: Color | undefined, areas: readonly number[] = []): void {
    this.clock.advance(1);
    this.source.write((t) => this.source.person(t, subject, color, areas));
  }

  setFloor(area: number, floor: Color): void {
    this.clock.advance(1);
    this.source.write((t) => this.source.floor(t, area, floor));
  }

  /** Asks, and lets the source answer at once. */
  async get(subject: Subject, minAsOf?: number): Promise<Answer | undefined> {
    const asked = this.ask(subject, minAsOf);
    for (let i = 0; i < 3; i++) {
      await this.settle();
      this.reply();
    }
    await this.settle();
    return asked.answer;
  }

  #judge(subject: Subject, answer: Answer, minAsOf: number): void {
    if (!('asOf' in answer)) return;
    const now = this.source.now();
    expect(answer.asOf).toBeGreaterThanOrEqual(minAsOf);
    expect(answer.asOf).toBeLessThanOrEqual(now);
    const possible = this.source.between(subject, answer.asOf, now);
    if (answer.outcome === 'absent') {
      expect(possible).toContainEqual(undefined);
      return;
    }
    const { version, color, stale, ageMs, asOf } = answer;
    expect(possible).toContainEqual({ version, color });
    expect(ageMs).toBeGreaterThanOrEqual(now - asOf);
    expect(stale).toBe(ageMs > CONFIG.staleAfterMs);
    expect(version).toBeGreaterThanOrEqual(this.#newest.get(subject) ?? 0);
    this.#newest.set(subject, version);
  }
}

const idOf = (n: number) => Buffer.alloc(16, n).toString('base64url');
export const [ANNA, BERT, NOBODY] = [idOf(1), idOf(2), idOf(9)];

/** Follows its source, where Anna is green and Bert is green in area 1, whose floor is yellow. */
export function started(options: ModelWorldOptions = {}): ModelWorld {
  const world = new ModelWorld(options);
  world.setFloor(1, YELLOW);
  world.set(ANNA, GREEN);
  world.set(BERT, GREEN, [1]);
  world.follow();
  return world;
}

/** And has Anna and Bert in memory. */
export async function holding(options: ModelWorldOptions = {}): Promise<ModelWorld> {
  const world = started(options);
  await world.get(ANNA);
  await world.get(BERT);
  expect(world.memory.size).toBe(2);
  return world;
}
