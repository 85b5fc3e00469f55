// What must hold of every answer, and of the whole system once all is well again.

import type { Answer, Subject } from '../../lookup/health-code.ts';
import { decode } from '../../lookup/layers/record-codec.ts';
import type { SimProcess } from './process.ts';
import type { RedisData } from './redis-data.ts';
import type { SimWorld } from './world.ts';

/** A run came to what must not be. */
export class WrongAnswerError extends Error {
  override readonly name = 'WrongAnswerError';
}

/** The source tells its time in whole milliseconds. */
const ROUNDING_MS = 1;
/** A process asks the source for its time so often, and waits so long. */
const ASKED_EVERY_MS = 8_000;

/**
 * An answer was true at an instant between its as_of and now, and is marked when it is old.
 * @param trusts whether its process knows the source's clock: else it cannot know an age, and marks all
 * @throws WrongAnswerError
 */
export function judge(
  world: SimWorld,
  who: string,
  subject: Subject,
  answer: Answer,
  { minAsOf, trusts }: { readonly minAsOf: number; readonly trusts: boolean },
): void {
  if (!('asOf' in answer)) return;
  world.judged += 1;
  const { postgres, time, config } = world;
  const wrong = (why: string) =>
    new WrongAnswerError(`${who} at ${time.now}, ${subject}: ${why} ${JSON.stringify(answer)}`);
  const { asOf } = answer;
  if (asOf < minAsOf) throw wrong(`older than ${minAsOf}`);
  const since = postgres.whenFirst(asOf);
  if (since === undefined) throw wrong('of a time to come');
  const truths = postgres.between(subject, since, time.now);
  if (answer.outcome === 'absent') {
    if (!truths.includes(undefined)) throw wrong(`is there: ${JSON.stringify(truths)}`);
    return;
  }
  const { version, color, photo, stale, ageMs } = answer;
  const isTrue = truths.some(
    (truth) => truth?.version === version && truth.color === color && truth.photo === photo,
  );
  if (!isTrue) throw wrong(`never was since then: ${JSON.stringify(truths)}`);
  if (!trusts && !stale) throw wrong('is of no known age, and not marked');
  // How long ago an instant of a clock that has just been set was, nobody can tell before they asked it again.
  if (!trusts || postgres.setAt > Math.min(since, time.now - ASKED_EVERY_MS)) return;
  const trueAgeMs = time.now - since;
  if (!stale && trueAgeMs > config.staleAfterMs + ROUNDING_MS)
    throw wrong(`is ${trueAgeMs} ms old, and not marked`);
  if (ageMs + ROUNDING_MS < trueAgeMs) throw wrong(`is ${trueAgeMs} ms old, and says ${ageMs}`);
}

/**
 * All that answers is fresh and true, and what lies in Redis is what the source has.
 * @throws WrongAnswerError
 */
export async function judgeHealed(world: SimWorld, subjects: readonly Subject[]): Promise<void> {
  for (const process of world.processes) {
    if (process.freshness.suspect) throw new WrongAnswerError(`${process.name} is suspect`);
    for (const subject of subjects) {
      // The first may still be of a time before, and says so.
      await answerOf(world, process, subject);
      const answer = await answerOf(world, process, subject);
      const truth = world.postgres.truth(subject);
      const isRight =
        answer.outcome === 'found'
          ? !answer.stale && answer.version === truth?.version && answer.color === truth.color
          : answer.outcome === 'absent' && truth === undefined;
      if (!isRight)
        throw new WrongAnswerError(
          `${process.name}: ${JSON.stringify(answer)}, not ${JSON.stringify(truth)}`,
        );
    }
  }
  for (const server of world.redis.masters) judgeRecords(world, server.name, server.data);
}

async function answerOf(world: SimWorld, process: SimProcess, subject: Subject): Promise<Answer> {
  let answer: Answer | undefined;
  void process.ask(subject).then((given) => {
    answer = given;
  });
  await world.pass(world.config.deadlineGrpcMs + 50);
  if (!answer) throw new WrongAnswerError(`${process.name} does not answer`);
  return answer;
}

function judgeRecords(world: SimWorld, name: string, data: RedisData): void {
  const marks = data.keys().filter((key) => key.startsWith('mark:'));
  const mark = (field: string) => data.hget(marks[0] as string, field)?.toString();
  if (marks.length !== 1 || mark('epoch') !== world.postgres.epoch)
    throw new WrongAnswerError(`${name} is of ${mark('epoch')}`);
  if (Number(mark('at')) < world.postgres.now() - world.config.staleAfterMs)
    throw new WrongAnswerError(`${name} is as of ${mark('at')}`);
  for (const key of data.keys()) {
    if (!key.startsWith(`p${mark('keyspace')}:`)) continue;
    for (const [, value] of data.hgetall(key)) {
      const person = decode(value)?.person;
      const truth = person && world.postgres.disk.visible.people.get(person.subject);
      // A tombstone may outlive the row that it is of.
      if (truth === undefined && person && 'erased' in person) continue;
      if (person?.version !== truth?.version)
        throw new WrongAnswerError(`${name}: ${JSON.stringify(person)}, not ${truth?.version}`);
    }
  }
}
