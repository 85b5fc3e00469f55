// lookup verify: whether Redis and every process say what the source says of each person.

import { FIRST_PAGE } from '../source/people.ts';
import type { SqlSession } from '../source/sql.ts';
import { type Compared, Comparing } from './comparing.ts';
import { grouped } from './confirm.ts';
import { plain } from './differences.ts';
import { CommandError, type Output } from './output.ts';
import { withProgress } from './progress.ts';
import { countAfter } from './source-state.ts';
import { sampleOfPeople } from './sweeps.ts';

/** `--rate`, unless told: people a second. */
export const VERIFY_RATE_PER_S = 20_000;

export interface VerifyOptions {
  /** So many people, chosen at random; undefined: all, and all that lies in Redis. */
  readonly sample: number | undefined;
  readonly ratePerS: number;
  /** Ends it soon: what was found until then is told. */
  readonly signal: AbortSignal;
  readonly pagePeople?: number;
}

/** Twenty messages of a stream, and what is asked of the source at once. */
const PAGE_PEOPLE = 1_280;

/** @throws CommandError (1) when something differs; (4) when it ended before all were compared */
export async function verify(
  session: SqlSession,
  compared: Compared & { readonly trouble: string | undefined },
  options: VerifyOptions,
  output: Output,
): Promise<void> {
  // Half of it would look like all of it.
  if (compared.trouble !== undefined) throw new CommandError(compared.trouble, 1);
  if (!compared.nodes && compared.gates.length === 0)
    throw new CommandError(
      'there is nothing to compare the source with: set LOOKUP_REDIS_URL, or name processes with --grpc',
      2,
    );
  const begun = performance.now();
  const comparing = new Comparing(session, compared, { pagePeople: PAGE_PEOPLE, ...options });
  const ended = await sweep(session, comparing, options, output);
  say(comparing, { ended, seconds: (performance.now() - begun) / 1_000, compared }, output);
}

/** @returns why it ended before all were compared */
async function sweep(
  session: SqlSession,
  comparing: Comparing,
  { sample, signal }: VerifyOptions,
  output: Output,
): Promise<string | undefined> {
  try {
    const subjects = sample === undefined ? undefined : await sampleOfPeople(session, sample);
    const total = subjects?.length ?? (await countAfter(session, FIRST_PAGE));
    await withProgress(output, 'people', total, (onDone) =>
      comparing.comparePeople(subjects, onDone),
    );
    if (!subjects)
      await withProgress(output, 'records in Redis', total, (onDone) =>
        comparing.compareStrays(onDone),
      );
    return signal.aborted ? 'it was ended' : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

interface Verified {
  readonly compared: Compared;
  readonly seconds: number;
  readonly ended: string | undefined;
}

function say(comparing: Comparing, { compared, seconds, ended }: Verified, output: Output): void {
  const { findings, people, inRedis, gates } = comparing;
  const gone = gates.flatMap(({ name, gone }) => (gone === undefined ? [] : [{ name, why: gone }]));
  const parties = [
    compared.nodes ? ['Redis'] : [],
    gates.length > 0 ? [processes(gates.length)] : [],
  ];
  output.line(
    `${grouped(people)} people compared with ${parties.flat().join(' and ')} in ${seconds.toFixed(1)} s: ` +
      (findings.count === 0 ? 'no difference' : `${grouped(findings.count)} differences`),
  );
  if (compared.nodes)
    output.line(`${grouped(findings.missing)} of them are not in Redis, which is no difference`);
  if (findings.restless > 0)
    output.line(`${grouped(findings.restless)} times somebody changed too often to be compared`);
  for (const { name, why } of gone) output.line(`${name} was asked no more: ${why}`);
  for (const line of findings.lines()) output.line(line);
  output.json({
    ok: findings.count === 0 && ended === undefined,
    complete: ended === undefined,
    people,
    missing_in_redis: compared.nodes ? findings.missing : null,
    changed_too_often: findings.restless,
    records_in_redis: compared.nodes ? inRedis : null,
    processes: gates.map(({ name, answers, gone }) => ({ name, answers, gone: gone ?? null })),
    differences: findings.counts,
    examples: findings.examples.map(plain),
    seconds: Math.round(seconds * 1_000) / 1_000,
  });
  const partly = ended === undefined ? '' : `not all were compared: ${ended}`;
  if (findings.count > 0)
    throw new CommandError(
      [`${grouped(findings.count)} differences`, partly].filter(Boolean).join('; '),
      1,
    );
  if (ended !== undefined) throw new CommandError(partly, 4);
}

const processes = (count: number) => (count === 1 ? '1 process' : `${count} processes`);
