import type { SqlSession } from '../source/sql.ts';

/** As a gate's question takes it for `min_as_of`: an answer to that question shows all that was committed before. */
export interface WriterMark {
  readonly source_epoch: string;
  /** On the source's clock, to the microsecond, as RFC 3339. */
  readonly as_of: string;
}

/** To be called after the COMMIT whose effect it stands for. */
export async function readMark(session: SqlSession): Promise<WriterMark> {
  const [row] = await session.query<WriterMark>(
    `select source_epoch, to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as as_of
      from lookup_mark()`,
  );
  if (!row) throw new Error('lookup_mark() returned nothing');
  return row;
}
