import type { Clock } from '../clock.ts';
import { abortedAfter } from '../guards/timeout.ts';
import type { Sql, Statement } from '../source/sql.ts';

const TAKE: Statement = {
  name: 'lease-take',
  text: `select lookup_lease($1, make_interval(secs => $2::float8 / 1000), $3::bigint)::text as term`,
};
const RELEASE: Statement = {
  name: 'lease-release',
  text: 'select lookup_release($1)::text as done',
};

/**
 * The right to write the feed, for a while, with a term that only grows. Held in the source by its clock; here it ends
 * by the local monotonic one, counted from before it was asked for.
 */
export class Lease {
  readonly holder: string;
  readonly #sql: Sql;
  readonly #lastsMs: number;
  readonly #clock: Clock;
  #untilMonoMs = -Infinity;
  #term = 0;

  constructor(sql: Sql, holder: string, options: { leaseMs: number }, clock: Clock) {
    this.#sql = sql;
    this.holder = holder;
    this.#lastsMs = options.leaseMs;
    this.#clock = clock;
  }

  get term(): number {
    return this.#term;
  }

  get held(): boolean {
    return this.#clock.monoMs() < this.#untilMonoMs;
  }

  /**
   * Takes or renews it. Half of its time is the most that this waits: a question that was lost must not keep a relay
   * from leading while another question of its own renews.
   * @param termLeast a term at least as great, because a smaller one has been given out elsewhere
   * @returns whether it is held. Throws when the source does not say.
   */
  async take(signal: AbortSignal, termLeast = 0): Promise<boolean> {
    const asked = this.#clock.monoMs();
    const values = [this.holder, this.#lastsMs, String(termLeast)];
    const ask = (within: AbortSignal) =>
      this.#sql.query<{ term: string | null }>(TAKE, values, within);
    const [row] = await abortedAfter(this.#lastsMs / 2, ask, signal);
    if (!row?.term) return false;
    this.#term = Number(row.term);
    this.#untilMonoMs = asked + this.#lastsMs;
    return true;
  }

  /** Lets the standby have it at once. */
  async release(signal: AbortSignal): Promise<void> {
    this.#untilMonoMs = -Infinity;
    await this.#sql.query(RELEASE, [this.holder], signal);
  }
}
