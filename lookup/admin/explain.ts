// lookup explain: the first question of every complaint. What the source says of one person, what lies in Redis, and
// what each process answers, looked at one after the other, and whether they agree.

import type { Subject } from '../health-code.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import type { SqlSession } from '../source/sql.ts';
import {
  type Difference,
  differenceInRedis,
  differenceOfProcess,
  type GivenAnswer,
} from './differences.ts';
import { readExpected } from './expected.ts';
import { type Asked, explainLines, explainValue, summaryOf } from './explain-says.ts';
import type { Gate } from './gates.ts';
import type { Output } from './output.ts';
import { GateParty, type Judge, type Party, RedisParty } from './parties.ts';
import { findPerson } from './person.ts';
import { type InRedis, lookInRedis } from './redis-look.ts';
import { settle } from './settle.ts';

export interface ExplainParts {
  readonly nodes: RedisNodes | undefined;
  /** Why something that is set is not there. */
  readonly trouble: string | undefined;
  readonly gates: readonly Gate[];
}

export async function explain(
  session: SqlSession,
  parts: ExplainParts,
  { subject }: { readonly subject: Subject },
  output: Output,
): Promise<void> {
  if (parts.nodes && parts.trouble) output.note(parts.trouble);
  const { expected, person } = await readSource(session, subject);
  const differences: Difference[] = [];
  const late: Difference[] = [];
  const judge = async (party: Party, seen: Judge) => {
    const verdict = seen(expected);
    if (verdict === undefined || verdict === 'missing') return;
    const open = { before: [expected], judges: [seen] };
    const lasting = verdict.proven ? [verdict] : (await settle(session, party, open)).differences;
    differences.push(...lasting);
    if (lasting.length === 0) late.push(verdict);
  };
  // Redis first: a process that meets a bad value there repairs it.
  let redis: InRedis | string = parts.trouble ?? 'LOOKUP_REDIS_URL is not set';
  if (parts.nodes) {
    const found = (await lookInRedis(parts.nodes, [subject]))[0] as InRedis;
    await judge(new RedisParty(parts.nodes), (truth) => differenceInRedis(truth, found));
    redis = found;
  }
  const processes = await Promise.all(parts.gates.map((gate) => ask(gate, subject)));
  for (const [i, gate] of parts.gates.entries()) {
    const { answer } = processes[i] as Asked;
    await judge(new GateParty(gate), (truth) => differenceOfProcess(truth, answer, gate.name));
  }
  const all = { subject, expected, person, redis, processes, differences, late };
  output.line(summaryOf(all));
  for (const line of explainLines(all)) output.line(line);
  output.json(explainValue(all));
}

const TRIES_MAX = 5;

/** Two statements that saw the same person. */
async function readSource(session: SqlSession, subject: Subject) {
  for (let tries = 1; ; tries++) {
    const [expected] = await readExpected(session, [subject]);
    const person = await findPerson(session, subject, { lock: false });
    const version = expected?.person?.version;
    const same = version === (person && Number(person.version));
    if (expected && (same || tries === TRIES_MAX)) return { expected, person };
  }
}

async function ask(gate: Gate, subject: Subject): Promise<Asked> {
  const { name, address } = gate;
  try {
    const [answer] = await gate.ask([{ subject }]);
    return { name, address, answer: answer as GivenAnswer, asOf: answer?.asOfMs };
  } catch (error) {
    const reason = (error as Error).message;
    return { name, address, answer: { outcome: 'unavailable', reason }, asOf: undefined };
  }
}
