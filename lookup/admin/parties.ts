// Who should say what the source says: Redis, and each process.

import { setTimeout as pause } from 'node:timers/promises';
import type { SourceMs } from '../health-code.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import {
  type Difference,
  differenceInRedis,
  differenceOfProcess,
  type GivenAnswer,
} from './differences.ts';
import type { Expected } from './expected.ts';
import type { Gate, GateQuestion } from './gates.ts';
import { type InRedis, lookInRedis } from './redis-look.ts';

export type Verdict = Difference | 'missing' | undefined;

/** What was seen, held against what the source says. */
export type Judge = (expected: Expected) => Verdict;

export interface Party {
  readonly name: string;
  /**
   * Looks at each of them.
   * @param again not for the first time: what is seen is to be no older than what the source said, if it can be had
   *   within a second
   */
  look(expected: readonly Expected[], again: boolean): Promise<readonly Judge[]>;
}

const MARK_WAIT_MS = 1_000;
const MARK_EVERY_MS = 50;

export class RedisParty implements Party {
  readonly name = 'Redis';
  readonly #nodes: RedisNodes;
  /** Where marks stood, by node, when it was waited for them in vain: no relay moves them. */
  readonly #standing = new Map<string, SourceMs>();

  constructor(nodes: RedisNodes) {
    this.#nodes = nodes;
  }

  async look(expected: readonly Expected[], again: boolean): Promise<readonly Judge[]> {
    const subjects = expected.map(({ subject }) => subject);
    const until = performance.now() + MARK_WAIT_MS;
    let found = await lookInRedis(this.#nodes, subjects);
    const isLate = (one: InRedis, i: number) =>
      'mark' in one &&
      one.mark.at < (expected[i] as Expected).asOf &&
      one.mark.at !== this.#standing.get(one.node);
    while (again && found.some(isLate)) {
      if (performance.now() >= until) {
        for (const one of found.filter(isLate))
          if ('mark' in one) this.#standing.set(one.node, one.mark.at);
        break;
      }
      await pause(MARK_EVERY_MS);
      found = await lookInRedis(this.#nodes, subjects);
    }
    return found.map((one) => (truth) => differenceInRedis(truth, one));
  }
}

/** So often in a row it did not answer at all: then it is asked no more. */
const SILENT_MAX = 3;

export class GateParty implements Party {
  readonly name: string;
  readonly #gate: Gate;
  #silent = 0;
  #reason = '';
  #answers = 0;

  constructor(gate: Gate) {
    this.name = gate.name;
    this.#gate = gate;
  }

  /** Why it has been given up; undefined while it has not. */
  get gone(): string | undefined {
    return this.#silent >= SILENT_MAX ? this.#reason : undefined;
  }

  /** That it gave until now. */
  get answers(): number {
    return this.#answers;
  }

  async look(expected: readonly Expected[], again: boolean): Promise<readonly Judge[]> {
    const questions = expected.map(({ subject, epoch, asOf }) =>
      again ? { subject, mark: { epoch, asOf } } : { subject },
    );
    const answers = await this.#ask(questions);
    return answers.map((answer) => (truth) => differenceOfProcess(truth, answer, this.name));
  }

  async #ask(questions: readonly GateQuestion[]): Promise<readonly GivenAnswer[]> {
    if (this.gone === undefined) {
      try {
        const answers = await this.#gate.ask(questions);
        this.#silent = 0;
        this.#answers += answers.length;
        return answers;
      } catch (error) {
        this.#silent += 1;
        this.#reason = (error as Error).message;
      }
    }
    return questions.map(() => ({ outcome: 'unavailable', reason: this.#reason }));
  }
}
