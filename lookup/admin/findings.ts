import { grouped } from './confirm.ts';
import { type Difference, KINDS, type Kind } from './differences.ts';
import type { Settled } from './settle.ts';

/** Differences shown, of all kinds together; each kind that was found is among them. */
export const EXAMPLES_MAX = 100;

/** What was found to differ: all of it counted, some of it kept. */
export class Findings {
  readonly #counts = new Map<Kind, number>();
  readonly #kept = new Map<Kind, Difference[]>();
  /** People of whom Redis has nothing: no difference. */
  missing = 0;
  /** Who changed too often to be compared, in Redis or at a process: no difference. */
  restless = 0;

  add({ differences, missing, restless }: Settled): void {
    this.missing += missing;
    this.restless += restless;
    for (const difference of differences) {
      const { kind } = difference;
      this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
      const kept = this.#kept.get(kind);
      if (!kept) this.#kept.set(kind, [difference]);
      else if (kept.length < EXAMPLES_MAX) kept.push(difference);
    }
  }

  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** By kind, the worst first; only those that were found. */
  get counts(): Partial<Record<Kind, number>> {
    const kinds = Object.keys(KINDS) as Kind[];
    const found = kinds.filter((kind) => this.#counts.has(kind));
    return Object.fromEntries(found.map((kind) => [kind, this.#counts.get(kind)]));
  }

  /** Of each kind in turn, as long as there is room. */
  get examples(): Difference[] {
    const shown = new Map<Kind, number>();
    let room = EXAMPLES_MAX;
    for (let more = true; room > 0 && more; ) {
      more = false;
      for (const [kind, kept] of this.#kept) {
        const taken = shown.get(kind) ?? 0;
        if (room === 0 || taken === kept.length) continue;
        shown.set(kind, taken + 1);
        room -= 1;
        more = true;
      }
    }
    const kinds = Object.keys(this.counts) as Kind[];
    return kinds.flatMap((kind) => (this.#kept.get(kind) ?? []).slice(0, shown.get(kind)));
  }

  lines(): string[] {
    const { examples } = this;
    return Object.entries(this.counts).flatMap(([kind, count]) => {
      const some = examples.filter((one) => one.kind === kind);
      const rest = count > some.length ? `; ${some.length} of them` : '';
      return [
        `${grouped(count)} ${kind}: ${KINDS[kind as Kind]}${rest}`,
        ...some.map(
          ({ subject, where, source, found }) =>
            `  ${subject} ${where}: ${found}; the source: ${source}`,
        ),
      ];
    });
  }
}
