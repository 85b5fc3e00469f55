import { LRUCache } from 'lru-cache';

export interface BoundedMapOptions<V> {
  /** About 100 bytes each besides key and value; allocated at once. */
  readonly entriesMax: number;
  readonly bytesMax?: number;
  readonly bytesOf?: (value: V) => number;
}

/**
 * The one small bounded map that photos and negative entries share: what was used longest ago leaves first.
 * Nothing expires by itself: whoever reads an entry judges its time.
 */
export class BoundedMap<K extends string, V extends object> {
  readonly #entries: LRUCache<K, V>;

  constructor(options: BoundedMapOptions<V>) {
    const { entriesMax, bytesMax, bytesOf } = options;
    this.#entries =
      bytesMax !== undefined && bytesOf
        ? new LRUCache<K, V>({ max: entriesMax, maxSize: bytesMax, sizeCalculation: bytesOf })
        : new LRUCache<K, V>({ max: entriesMax });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes held, where they are counted. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  set(key: K, value: V): void {
    this.#entries.set(key, value);
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
