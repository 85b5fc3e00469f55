// A source that makes people up from their number, so that what is measured is the service and not a database.

import type { Sql, SqlValue, Statement } from '../source/sql.ts';
import { AREAS, numberOf, photoUuidOf } from './population.ts';

export class MadeSql implements Sql {
  readonly #people: number;

  constructor(people: number) {
    this.#people = people;
  }

  async query<Row>({ name }: Statement, values: readonly SqlValue[]): Promise<Row[]> {
    if (name === 'load') return this.#load(values[0] as string[]) as Row[];
    if (name === 'feed-begin' || name === 'feed-poll')
      return [{ head: JSON.stringify(this.#head()) }] as Row[];
    return [];
  }

  #head() {
    return {
      now: Date.now(),
      snapshot: '100:100:',
      recovery: false,
      epoch: 'bench',
      token: null,
      has_token: true,
      trimmed: null,
      versions: this.#people,
      floors: Array.from({ length: AREAS }, (_, i) => [i + 1, 'green', i + 1]),
    };
  }

  #load(uuids: readonly string[]) {
    const now = String(Date.now());
    return uuids.map((subject) => {
      const n = numberOf(subject);
      const base = { subject, as_of: now, known: 'true', version: null as string | null };
      if (n >= this.#people) return base;
      const areas = [1 + (n % AREAS), 1 + ((n * 7) % AREAS)];
      const color = n % 100 < 97 ? 'green' : n % 100 < 99 ? 'yellow' : 'red';
      return {
        ...base,
        version: String(n + 1_000),
        xid: '50',
        color,
        areas: areas.join(','),
        floors: 'green,green',
        photo: photoUuidOf(n),
      };
    });
  }

  async close(): Promise<void> {}
}
