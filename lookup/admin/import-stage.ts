// The file's people in a temporary table, beside the source's own.

import { randomBytes } from 'node:crypto';
import { uuidToId } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import type { Fault, FoundFaults } from './import-faults.ts';
import { STAGED_COLUMNS, type StagedRow } from './import-person-row.ts';

/** Sorts and hashes in memory up to this; on disk beyond. */
const WORK_MEM = '64MB';

export class Stage {
  readonly #session: SqlSession;
  /** One row a person of the file. */
  readonly staged: string;
  /**
   * Who differs from the source's, numbered from 1 in the order of subjects: two imports at once lock in one order,
   * and an index that is filled in its order is filled fast.
   */
  readonly planned: string;
  /** Photos that the source lacks, numbered from 1. */
  readonly lacking: string;

  private constructor(session: SqlSession, name: string) {
    this.#session = session;
    this.staged = `${name}_staged`;
    this.planned = `${name}_planned`;
    this.lacking = `${name}_lacking`;
  }

  /** Names of its own: in the embedded source all commands share one session, and so one set of temporary tables. */
  static async open(session: SqlSession): Promise<Stage> {
    const stage = new Stage(session, `import_${randomBytes(6).toString('hex')}`);
    await session.exec(
      `create temporary table ${stage.staged} (line bigint not null, subject uuid not null, color code_color not null,
        areas integer[] not null, photo_id uuid, photo_file text)`,
    );
    return stage;
  }

  async drop(): Promise<void> {
    await this.#session.exec(
      `drop table if exists ${this.staged}, ${this.planned}, ${this.lacking}`,
    );
  }

  /** @returns how many */
  async fill(rows: AsyncIterable<StagedRow>): Promise<number> {
    const count = await this.#session.copyIn(this.staged, STAGED_COLUMNS, rows);
    await this.#session.exec(`analyze ${this.staged}`);
    return count;
  }

  /** People who are there more than once, at their second line. @param max of them */
  async findDoubles(max: number): Promise<FoundFaults> {
    const rows = await this.heavy(() =>
      this.#session.query<{ subject: string; lines: string; count: string }>(
        `select subject::text as subject, array_to_string((array_agg(line order by line))[1:11], ',') as lines,
            count(*) over ()::text as count
          from ${this.staged} group by subject having count(*) > 1 order by min(line) limit $1::integer`,
        [Math.max(max, 1)],
      ),
    );
    const faults = rows.map(({ subject, lines }): Fault => {
      const [first, second, ...more] = lines.split(',') as [string, string];
      const others = more.length > 0 ? ` (and in ${more.join(', ')})` : '';
      return {
        line: Number(second),
        column: 1,
        what: `${uuidToId(subject)} is in line ${first} already${others}`,
      };
    });
    return { faults, count: Number(rows[0]?.count ?? 0) };
  }

  /** @param max of them */
  async findErased(max: number): Promise<FoundFaults> {
    const rows = await this.#session.query<{
      subject: string;
      line: string;
      at: string;
      count: string;
    }>(
      `select subject::text as subject, line::text as line, count(*) over ()::text as count,
          to_char(erased_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at
        from ${this.staged} join person using (subject) where erased_at is not null
        order by line limit $1::integer`,
      [Math.max(max, 1)],
    );
    const faults = rows.map(
      ({ subject, line, at }): Fault => ({
        line: Number(line),
        column: 1,
        what: `${uuidToId(subject)} was erased at ${at}: --revive brings erased people back`,
      }),
    );
    return { faults, count: Number(rows[0]?.count ?? 0) };
  }

  /** @returns how many photos the source lacks */
  async planPhotos(): Promise<number> {
    await this.heavy(() =>
      this.#session.exec(
        `create temporary table ${this.lacking} as
          select row_number() over () as n, photo_id, min(photo_file) as photo_file from ${this.staged}
          where photo_file is not null and not exists (select from photo where photo.id = photo_id) group by photo_id;
        create index on ${this.lacking} (n)`,
      ),
    );
    const [row] = await this.#session.query<{ n: string }>(
      `select count(*)::text as n from ${this.lacking}`,
    );
    return Number(row?.n);
  }

  /** For what sorts or hashes everybody. */
  heavy<T>(work: () => Promise<T>): Promise<T> {
    return this.#session.transaction(async () => {
      await this.#session.query("select set_config('work_mem', $1, true)", [WORK_MEM]);
      return work();
    });
  }
}
