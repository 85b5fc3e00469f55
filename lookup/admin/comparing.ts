// The source compared with Redis and with every process, page by page, no faster than asked for. A page ripens before
// it is looked for elsewhere: what was read has reached those who are well, and differences are not mistaken for news.

import { setTimeout as pause } from 'node:timers/promises';
import type { Subject } from '../health-code.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import type { SqlSession } from '../source/sql.ts';
import { type Expected, readExpected, readUnknown } from './expected.ts';
import { Findings } from './findings.ts';
import type { Gate } from './gates.ts';
import { GateParty, type Party, RedisParty } from './parties.ts';
import { HEARD_WITHIN_MS, lookOnce, settle } from './settle.ts';
import { allPeople, subjectsInRedis, thesePeople } from './sweeps.ts';

export interface Compared {
  /** undefined: it is not compared */
  readonly nodes: RedisNodes | undefined;
  readonly gates: readonly Gate[];
}

export interface ComparingOptions {
  /** People a second. */
  readonly ratePerS: number;
  /** Ends it after the page under way. */
  readonly signal: AbortSignal;
  readonly pagePeople: number;
}

/** Pages that ripen, and pages of which somebody is looked at again, at once. */
const RIPENING_MAX = 32;
const SETTLING_MAX = 8;

interface Ripening {
  readonly page: readonly Expected[];
  readonly readMs: number;
}

export class Comparing {
  readonly findings = new Findings();
  readonly gates: readonly GateParty[];
  readonly #session: SqlSession;
  readonly #nodes: RedisNodes | undefined;
  readonly #redis: RedisParty | undefined;
  readonly #options: ComparingOptions;
  readonly #settling = new Set<Promise<void>>();
  #people = 0;
  #inRedis = 0;
  #nextMs = 0;

  constructor(session: SqlSession, { nodes, gates }: Compared, options: ComparingOptions) {
    this.#session = session;
    this.#nodes = nodes;
    this.#redis = nodes && new RedisParty(nodes);
    this.gates = gates.map((gate) => new GateParty(gate));
    this.#options = options;
  }

  /** Of the source, compared until now. */
  get people(): number {
    return this.#people;
  }

  /** Records that lie in Redis, looked at until now. */
  get inRedis(): number {
    return this.#inRedis;
  }

  /**
   * Those whom the source has, or some of them.
   * @throws what the source throws
   */
  async comparePeople(
    subjects: readonly Subject[] | undefined,
    onDone: (done: number) => void,
  ): Promise<void> {
    const { pagePeople, signal } = this.#options;
    const pages = subjects
      ? thesePeople(this.#session, subjects, pagePeople)
      : allPeople(this.#session, pagePeople);
    const ripening: Ripening[] = [];
    const compareUntil = async (left: number) => {
      while (ripening.length > left && !signal.aborted) {
        const { page, readMs } = ripening.shift() as Ripening;
        await this.#sleep(readMs + HEARD_WITHIN_MS - performance.now());
        await this.#compare(page);
        this.#people += page.length;
        onDone(this.#people);
      }
    };
    for await (const page of pages) {
      ripening.push({ page, readMs: performance.now() });
      await this.#turn(page.length);
      if (signal.aborted) break;
      const ripe = ripening.filter(
        ({ readMs }) => performance.now() - readMs >= HEARD_WITHIN_MS,
      ).length;
      await compareUntil(Math.min(ripening.length - ripe, RIPENING_MAX - 1));
    }
    await compareUntil(0);
    await this.#allSettled();
  }

  /**
   * Those whom Redis has, and the source not.
   * @throws what the source throws, or when a node does not answer
   */
  async compareStrays(onDone: (done: number) => void): Promise<void> {
    if (!this.#nodes) return;
    for await (const subjects of subjectsInRedis(this.#nodes)) {
      if (subjects.length > 0) await this.#turn(subjects.length);
      if (this.#options.signal.aborted) break;
      const unknown = subjects.length > 0 ? await readUnknown(this.#session, subjects) : [];
      if (unknown.length > 0) await this.#compare(await readExpected(this.#session, unknown));
      this.#inRedis += subjects.length;
      onDone(this.#inRedis);
    }
    await this.#allSettled();
  }

  /** Redis first: a process that meets a bad value there repairs it. */
  async #compare(page: readonly Expected[]): Promise<void> {
    if (this.#redis) await this.#look(this.#redis, page);
    const asked = this.gates.filter((gate) => gate.gone === undefined);
    await Promise.all(asked.map((gate) => this.#look(gate, page)));
  }

  async #look(party: Party, page: readonly Expected[]): Promise<void> {
    const { open, settled: seen } = await lookOnce(party, page);
    this.findings.add(seen);
    if (open.before.length === 0) return;
    while (this.#settling.size >= SETTLING_MAX) await Promise.race(this.#settling);
    const settling = settle(this.#session, party, open).then((settled) => {
      this.findings.add(settled);
      this.#settling.delete(settling);
    });
    // One that fails stays, and is heard of by whoever waits next.
    settling.catch(() => {});
    this.#settling.add(settling);
  }

  async #allSettled(): Promise<void> {
    await Promise.all(this.#settling);
  }

  /** Waits until more may be looked at. A slow page is not made up for by a burst. */
  async #turn(people: number): Promise<void> {
    await this.#sleep(this.#nextMs - performance.now());
    const costMs = (1_000 * people) / this.#options.ratePerS;
    this.#nextMs = Math.max(this.#nextMs, performance.now()) + costMs;
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#options;
    if (ms > 0) await pause(ms, undefined, { signal }).catch(() => {});
  }
}
