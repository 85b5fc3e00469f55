import { setTimeout as pause } from 'node:timers/promises';
import type { SqlSession } from '../source/sql.ts';
import { grouped } from './confirm.ts';
import { readProcess } from './ops-client.ts';
import { CommandError, type Output } from './output.ts';
import { type Figures, figureLines, figuresOf, row, time } from './process-figures.ts';
import { type Count, readSourceState, type SourceState } from './source-state.ts';

export interface StatusOptions {
  /** Ops ports to ask, as origins. */
  readonly ops: readonly string[];
  /** Between the two looks that a rate takes. */
  readonly intervalMs: number;
}

/** Opens the source for one reading. Throws a CommandError: (2) when none is set, (1) when it cannot be reached. */
export type OpenSource = <T>(read: (session: SqlSession) => Promise<T>) => Promise<T>;

/**
 * `lookup status`: how these processes and the source are.
 * @throws CommandError (1) after all is said, when one is not ready or not there
 */
export async function status(
  options: StatusOptions,
  openSource: OpenSource,
  output: Output,
): Promise<void> {
  const troubles: string[] = [];
  const processes = await Promise.all(options.ops.map((ops) => look(ops, options.intervalMs)));
  for (const one of processes) {
    for (const line of processLines(one)) output.line(line);
    if (one.trouble) troubles.push(one.trouble);
  }
  const source = await lookAtSource(openSource);
  for (const line of sourceLines(source)) output.line(line);
  if (source.trouble) troubles.push(source.trouble);
  output.json({
    ok: troubles.length === 0,
    processes: processes.map((one) => ({ ops: one.ops, ...one.value })),
    source: source.state ? namedAsJson(source.state) : null,
    troubles,
  });
  if (troubles.length > 0) throw new CommandError(troubles.join('\n'), 1);
}

interface Process {
  readonly ops: string;
  readonly trouble?: string;
  readonly value: Figures | { readonly ready: false; readonly reason: string };
}

async function look(ops: string, intervalMs: number): Promise<Process> {
  try {
    const before = await readProcess(ops);
    const begun = performance.now();
    await pause(intervalMs);
    const after = await readProcess(ops);
    const value = figuresOf(before.metrics, after, (performance.now() - begun) / 1_000);
    return value.ready
      ? { ops, value }
      : { ops, value, trouble: `${ops}: not ready: ${value.reason}` };
  } catch (error) {
    const reason = (error as Error).message;
    const trouble =
      `${ops}: ${reason}: is a process running there? Its ops port is LOOKUP_OPS_HOST and LOOKUP_OPS_PORT; ` +
      'name others with --ops';
    return { ops, value: { ready: false, reason }, trouble };
  }
}

function processLines({ ops, value }: Process): string[] {
  if (!('answers' in value)) return [`${ops}  not there: ${value.reason}`];
  const [first, ...lines] = figureLines(value);
  return [`${ops}  ${first}`, ...lines];
}

interface SourceLook {
  readonly state?: SourceState;
  readonly trouble?: string;
  readonly notAsked?: string;
}

async function lookAtSource(openSource: OpenSource): Promise<SourceLook> {
  try {
    const state = await openSource(readSourceState);
    if (state.pending.length === 0) return { state };
    return { state, trouble: `the source lacks ${state.pending.join(', ')}: "npx lookup migrate"` };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return error.exitCode === 2 ? { notAsked: error.message } : { trouble: error.message };
  }
}

function sourceLines({ state, trouble, notAsked }: SourceLook): string[] {
  if (notAsked) return [`source  not asked: ${notAsked}`];
  if (!state) return [`source  NOT THERE: ${trouble}`];
  if (state.pending.length > 0) return [`source  lacks migrations: ${state.pending.join(', ')}`];
  const count = (of: Count | undefined) => `${of?.exact ? '' : 'about '}${grouped(of?.count ?? 0)}`;
  const oldest = state.oldestTransactionS;
  return [
    'source  has every migration of this version',
    row('people', `${count(state.people)} in ${grouped(state.areas ?? 0)} areas`),
    row('outbox', `${count(state.outboxRows)} rows`),
    row('transactions', oldest === undefined ? 'none open' : `oldest open for ${time(oldest)}`),
    row('history token', tokenText(state.historyTokenAgeS)),
  ];
}

/** Above this age nobody writes them any more. */
const TOKEN_AGE_MAX_S = 5;

function tokenText(ageS: number | undefined): string {
  if (ageS === undefined) return 'none: nobody has followed the outbox yet';
  return `${time(ageS)} old${ageS > TOKEN_AGE_MAX_S ? ': NOBODY FOLLOWS the outbox' : ''}`;
}

function namedAsJson(state: SourceState) {
  const { pending, people, areas, outboxRows, oldestTransactionS, historyTokenAgeS } = state;
  return {
    pending,
    people: people ?? null,
    areas: areas ?? null,
    outbox_rows: outboxRows ?? null,
    oldest_transaction_s: oldestTransactionS ?? null,
    history_token_age_s: historyTokenAgeS ?? null,
  };
}
