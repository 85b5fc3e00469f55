// What one Redis holds, with a log of what was written when: a replica, or a dump, is a beginning of that log.

export interface Entry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

type Effect = { readonly at: number } & (
  | { readonly does: 'hset'; readonly key: string; readonly field: string; readonly value: Buffer }
  | { readonly does: 'hdel'; readonly key: string; readonly field: string }
  | { readonly does: 'del'; readonly key: string }
  | { readonly does: 'xadd'; readonly key: string; readonly entry: Entry; readonly most: number }
);
type Untimed<E> = E extends unknown ? Omit<E, 'at'> : never;

interface Stream {
  readonly entries: Entry[];
  last: string;
}

export class RedisData {
  readonly #now: () => number;
  readonly #log: Effect[] = [];
  readonly #hashes = new Map<string, Map<string, Buffer>>();
  readonly #streams = new Map<string, Stream>();
  /** Told after each addition to a stream. */
  onAdded: (() => void) | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** All that had been written by a time. */
  asOf(time: number): RedisData {
    const data = new RedisData(this.#now);
    for (const effect of this.#log) if (effect.at <= time) data.#apply(effect);
    return data;
  }

  hget(key: string, field: string): Buffer | undefined {
    return this.#hashes.get(key)?.get(field);
  }

  hgetall(key: string): [field: string, value: Buffer][] {
    return [...(this.#hashes.get(key) ?? [])];
  }

  /** Keys of hashes. */
  keys(): string[] {
    return [...this.#hashes.keys()];
  }

  hset(key: string, field: string, value: Buffer): void {
    this.#do({ does: 'hset', key, field, value: Buffer.from(value) });
  }

  hdel(key: string, field: string): number {
    if (this.hget(key, field) === undefined) return 0;
    this.#do({ does: 'hdel', key, field });
    return 1;
  }

  del(key: string): void {
    this.#do({ does: 'del', key });
  }

  /** The newest entry of a stream. */
  last(key: string): Entry | undefined {
    return this.#streams.get(key)?.entries.at(-1);
  }

  /** Entries after an id, oldest first. */
  after(key: string, id: string, most: number): Entry[] {
    const entries = this.#streams.get(key)?.entries ?? [];
    return entries.filter((entry) => isAfter(entry.id, id)).slice(0, most);
  }

  /** @throws when the id is no later than one that has been there */
  xadd(key: string, id: string, fields: Readonly<Record<string, Buffer>>, most: number): void {
    if (!isAfter(id, this.#streams.get(key)?.last ?? '0-0'))
      throw new Error(
        'ERR The ID specified in XADD is equal or smaller than the target stream top item',
      );
    this.#do({ does: 'xadd', key, entry: { id, fields: new Map(Object.entries(fields)) }, most });
    this.onAdded?.();
  }

  #do(effect: Untimed<Effect>): void {
    this.#apply({ ...effect, at: this.#now() } as Effect);
  }

  #apply(effect: Effect): void {
    this.#log.push(effect);
    const { key } = effect;
    if (effect.does === 'xadd') {
      const stream = this.#streams.get(key) ?? { entries: [], last: '' };
      stream.entries.push(effect.entry);
      stream.last = effect.entry.id;
      if (stream.entries.length > effect.most) stream.entries.shift();
      this.#streams.set(key, stream);
    } else if (effect.does === 'del') {
      this.#hashes.delete(key);
    } else {
      const hash = this.#hashes.get(key) ?? new Map<string, Buffer>();
      if (effect.does === 'hset') hash.set(effect.field, effect.value);
      else hash.delete(effect.field);
      if (hash.size > 0) this.#hashes.set(key, hash);
      else this.#hashes.delete(key);
    }
  }
}

function isAfter(a: string, b: string): boolean {
  const [[aTerm, aNumber], [bTerm, bNumber]] = [a, b].map((id) => id.split('-').map(Number)) as [
    [number, number],
    [number, number],
  ];
  return aTerm > bTerm || (aTerm === bTerm && (aNumber ?? 0) > (bNumber ?? 0));
}
