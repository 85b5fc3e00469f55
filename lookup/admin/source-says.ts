// What status says of the source, and what of it is trouble.

import type { SqlSession } from '../source/sql.ts';
import { grouped } from './confirm.ts';
import { CommandError } from './output.ts';
import { row, time } from './process-figures.ts';
import { type Count, readSourceState, type SourceState } from './source-state.ts';

/** Opens the source for one reading. Throws a CommandError: (2) when none is set, (1) when it cannot be reached. */
export type OpenSource = <T>(read: (session: SqlSession) => Promise<T>) => Promise<T>;

export interface SourceLook {
  readonly state?: SourceState;
  readonly trouble?: string;
  readonly notAsked?: string;
}

export async function lookAtSource(openSource: OpenSource): Promise<SourceLook> {
  try {
    const state = await openSource(readSourceState);
    if (state.pending.length === 0) return { state };
    return { state, trouble: `the source lacks ${state.pending.join(', ')}: "npx lookup migrate"` };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return error.exitCode === 2 ? { notAsked: error.message } : { trouble: error.message };
  }
}

export function sourceLines({ state, trouble, notAsked }: SourceLook): string[] {
  if (notAsked) return [`source  not asked: ${notAsked}`];
  if (!state) return [`source  NOT THERE: ${trouble}`];
  if (state.pending.length > 0) return [`source  lacks migrations: ${state.pending.join(', ')}`];
  const count = (of: Count | undefined) => `${of?.exact ? '' : 'about '}${grouped(of?.count ?? 0)}`;
  const oldest = state.oldestTransactionS;
  return [
    `source  has every migration of this version, epoch ${state.epoch}`,
    row('people', `${count(state.people)} in ${grouped(state.areas ?? 0)} areas`),
    row('outbox', `${count(state.outboxRows)} rows`),
    row('transactions', oldest === undefined ? 'none open' : `oldest open for ${time(oldest)}`),
    row('history token', tokenText(state.historyTokenAgeS)),
    row('relay lease', leaseText(state.lease)),
  ];
}

/** Above this age nobody writes them any more. */
const TOKEN_AGE_MAX_S = 5;

function tokenText(ageS: number | undefined): string {
  if (ageS === undefined) return 'none: nobody has followed the outbox yet';
  return `${time(ageS)} old${ageS > TOKEN_AGE_MAX_S ? ': NOBODY FOLLOWS the outbox' : ''}`;
}

function leaseText(lease: SourceState['lease']): string {
  if (!lease) return 'no relay has held it yet';
  const { term, heldForS } = lease;
  return `term ${term}, ${heldForS > 0 ? `held for ${time(heldForS)} more` : 'held by NOBODY'}`;
}

export function sourceValue(state: SourceState) {
  const { pending, people, areas, outboxRows, oldestTransactionS, historyTokenAgeS } = state;
  return {
    pending,
    people: people ?? null,
    areas: areas ?? null,
    outbox_rows: outboxRows ?? null,
    oldest_transaction_s: oldestTransactionS ?? null,
    history_token_age_s: historyTokenAgeS ?? null,
    epoch: state.epoch ?? null,
    relay_lease: state.lease ? { term: state.lease.term, held_for_s: state.lease.heldForS } : null,
  };
}
