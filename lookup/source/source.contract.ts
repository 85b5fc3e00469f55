// What every source must do, whichever PostgreSQL is behind it. Run by postgres.test.ts and embedded.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { type Batch, type PersonChange, seenBy } from '../feed/feed.ts';
import { OutboxFeed, type OutboxOptions } from '../feed/outbox.ts';
import { GREEN, idToUuid, RED, YELLOW } from '../health-code.ts';
import { noLog } from '../log.ts';
import { migrate } from './migrate.ts';
import type { Sql, SqlSession } from './sql.ts';
import { OtherSourceError, SqlSource } from './sql-source.ts';

export interface OpenedSource {
  readonly sql: Sql;
  readonly session: SqlSession;
  close(): Promise<void>;
}

const OPTIONS: OutboxOptions = {
  feedPollMs: 5,
  feedTimeoutMs: 5_000,
  feedChunkRows: 1_000,
  feedChangesMax: 10_000,
  outboxRetentionMs: 3_600_000,
};
export const idOf = (n: number) =>
  Buffer.from(n.toString(16).padStart(32, '0'), 'hex').toString('base64url');
const never = new AbortController().signal;

/** A feed whose batches are asked for one by one. */
export function follower(sql: Sql, options: Partial<OutboxOptions> = {}) {
  const feed = new OutboxFeed(sql, { ...OPTIONS, ...options }, systemClock, noLog);
  const ending = new AbortController();
  const batches = feed.follow(ending.signal)[Symbol.asyncIterator]();
  return {
    feed,
    async next(): Promise<Batch> {
      const { value } = await batches.next();
      return value as Batch;
    },
    /** The first batch that brings anything. */
    async nextChanges(): Promise<Batch> {
      for (;;) {
        const batch = await this.next();
        if (
          batch.people.length + batch.floors.length > 0 ||
          batch.firstLoad ||
          batch.joins !== 'continues'
        )
          return batch;
      }
    },
    async end() {
      ending.abort();
      await batches.return?.(undefined);
    },
  };
}

export function describeSource(open: () => Promise<OpenedSource>): void {
  let opened: OpenedSource;
  beforeAll(async () => {
    opened = await open();
    expect(await migrate(opened.session)).toEqual(['0001_schema.sql', '0002_rights.sql']);
    await opened.session.exec(
      "insert into area (id, name, floor) values (1, 'one', 'green'), (2, 'two', 'red')",
    );
  });
  afterAll(() => opened.close());

  const insert = (n: number, color = 'green', areas = '{}') =>
    opened.session.query(
      'insert into person (subject, color, areas) values (lookup_subject($1), $2::code_color, $3::integer[])',
      [idOf(n), color, areas],
    );
  const source = () => new SqlSource(opened.sql, () => undefined);

  describe('a load', () => {
    it('finds people with the floors of their areas and the time, and tells who does not exist', async () => {
      await insert(1, 'yellow', '{1}');
      await insert(2, 'green', '{1,2}');
      const loaded = await source().load([idOf(1), idOf(2), idOf(3)], never);
      expect(loaded.rows.get(idOf(1))).toMatchObject({
        effective: YELLOW,
        record: { color: YELLOW, areas: [1] },
      });
      expect(loaded.rows.get(idOf(2))).toMatchObject({
        effective: RED,
        record: { color: GREEN, areas: [1, 2] },
      });
      expect(loaded.rows.has(idOf(3))).toBe(false);
      expect(Math.abs(loaded.asOf - Date.now())).toBeLessThan(60_000);
    });

    it('does not find an erased person', async () => {
      await insert(4);
      await opened.session.query(
        'update person set erased_at = now() where subject = lookup_subject($1)',
        [idOf(4)],
      );
      expect((await source().load([idOf(4)], never)).rows.size).toBe(0);
    });

    it('refuses to answer from a source that lacks the history the feed saw', async () => {
      const other = new SqlSource(opened.sql, () => '00000000-0000-0000-0000-00000000dead');
      await expect(other.load([idOf(1)], never)).rejects.toThrow(OtherSourceError);
    });

    it('reads a photo, and tells when there is none', async () => {
      const png = Buffer.from('89504e470d0a1a0a00', 'hex');
      const [row] = await opened.session.query<{ id: string }>(
        `insert into photo (id, mime, bytes)
           select encode(substring(sha256($1::bytea) for 16), 'hex')::uuid, 'image/png', $1::bytea
           returning lookup_subject_text(id) as id`,
        [png],
      );
      const photo = await source().loadPhoto(row?.id as string, never);
      expect(photo?.mime).toBe('image/png');
      expect(Buffer.from(photo?.bytes as Uint8Array)).toEqual(png);
      expect(await source().loadPhoto(idOf(5), never)).toBeUndefined();
    });
  });

  describe('the tables', () => {
    const refusals: [string, string][] = [
      ['deleting a person', 'delete from person'],
      ['emptying person', 'truncate person'],
      ['emptying the outbox', 'truncate outbox'],
      ['deleting an area', 'delete from area'],
      [
        'an unknown color',
        `insert into person (subject, color) values (gen_random_uuid(), 'blue')`,
      ],
      [
        'an unknown area',
        `insert into person (subject, color, areas) values (gen_random_uuid(), 'green', '{77}')`,
      ],
      [
        'nine areas',
        `insert into person (subject, color, areas) values (gen_random_uuid(), 'green', '{1,1,1,1,1,1,1,1,1}')`,
      ],
      ['a color for nobody', 'insert into person (subject) values (gen_random_uuid())'],
      ['a change of subject', 'update person set subject = gen_random_uuid()'],
      [
        'a photo under another name',
        `insert into photo (id, mime, bytes) values (gen_random_uuid(), 'image/png', '\\x89504e470d0a1a0a01')`,
      ],
      ['a second first load', 'select lookup_begin_first_load()'],
    ];
    for (const [what, sql] of refusals) {
      it(`refuse ${what}`, async () => {
        await expect(opened.session.exec(sql)).rejects.toThrow();
      });
    }

    it('write one outbox row for a change, and none for what changes nothing or never comes to be', async () => {
      await insert(10);
      const count = async () => {
        const rows = await opened.session.query<{ n: string }>(
          'select count(*)::text as n from outbox',
        );
        return Number(rows[0]?.n);
      };
      const before = await count();
      await opened.session.query(
        `update person set color = 'green' where subject = lookup_subject($1)`,
        [idOf(10)],
      );
      await opened.session.query(
        `insert into person (subject, color) values (lookup_subject($1), 'red') on conflict do nothing`,
        [idOf(10)],
      );
      await opened.session.query("update area set floor = 'green' where id = 1");
      expect(await count()).toBe(before);
      await opened.session.query(
        `update person set color = 'red' where subject = lookup_subject($1)`,
        [idOf(10)],
      );
      await opened.session.query("update area set floor = 'red' where id = 1");
      expect(await count()).toBe(before + 2);
      await opened.session.query("update area set floor = 'green' where id = 1");
    });
  });

  it('tells of a person who is changed twice in a transaction only what it leaves behind', async () => {
    const rowsOf = (n: number) =>
      opened.session.query<{ color: string | null }>(
        'select color::text as color from outbox where subject = lookup_subject($1) order by version',
        [idOf(n)],
      );
    const recolor = (color: string) =>
      opened.session.query(
        `update person set color = '${color}' where subject = any ($1::uuid[])`,
        [[idToUuid(idOf(11)), idToUuid(idOf(12))]],
      );
    await opened.session.transaction(async () => {
      await insert(11);
      await insert(12);
      await recolor('red');
      await recolor('red');
      await opened.session.query(
        `update person set color = 'yellow' where subject = lookup_subject($1)`,
        [idOf(12)],
      );
    });
    expect(await rowsOf(11)).toEqual([{ color: 'red' }]);
    expect(await rowsOf(12)).toEqual([{ color: 'yellow' }]);
    await recolor('green');
    expect(await rowsOf(12)).toEqual([{ color: 'yellow' }, { color: 'green' }]);
  });

  describe('the outbox as a feed', () => {
    it('begins with the position and all floors, then brings each change once', async () => {
      const following = follower(opened.sql);
      const first = await following.next();
      expect(first.joins).toBe('restarts');
      expect(first.floors).toEqual(
        expect.arrayContaining([expect.objectContaining({ area: 2, floor: RED })]),
      );
      await insert(20, 'yellow', '{1}');
      await opened.session.query("update area set floor = 'yellow' where id = 2");
      const seen: Batch[] = [];
      while (seen.flatMap((batch) => [...batch.people, ...batch.floors]).length < 2)
        seen.push(await following.nextChanges());
      expect(seen.flatMap((batch) => batch.people)).toMatchObject([
        { subject: idOf(20), color: YELLOW, areas: [1] },
      ]);
      expect(seen.flatMap((batch) => batch.floors)).toMatchObject([{ area: 2, floor: YELLOW }]);
      for (let i = 0; i < 3; i++) expect((await following.next()).people).toEqual([]);
      await following.end();
    });

    const manyPeople = (color: string) =>
      `insert into person (subject, color)
         select ('00000000-0000-0000-0001-' || lpad(n::text, 12, '0'))::uuid, '${color}' from generate_series(1, 100) n
         on conflict (subject) do update set color = excluded.color`;

    it('brings a transaction larger than a piece in pieces, and resolves it with the last', async () => {
      const following = follower(opened.sql, { feedChunkRows: 7 });
      const before = await following.next();
      await opened.session.query(manyPeople('green'));
      const batches: Batch[] = [];
      const people = () => batches.flatMap((batch) => batch.people);
      while (people().length < 100) batches.push(await following.nextChanges());
      expect(people().length).toBe(100);
      expect(new Set(people().map((change) => change.version)).size).toBe(100);
      const last = batches.pop();
      const xid = people()[0]?.xid as number;
      for (const piece of batches) {
        expect(piece.people.length).toBe(7);
        expect(piece.resolved).toBe(piece.cursor.at);
        expect(seenBy(piece.snapshot, xid)).toBe(false);
        expect(piece.ahead && seenBy(piece.ahead, xid)).toBe(true);
      }
      expect(last?.ahead).toBeUndefined();
      expect(last && seenBy(last.snapshot, xid)).toBe(true);
      expect(last?.resolved).toBeGreaterThan(before.resolved);
      await following.end();
    });

    it('brings it whole, in one batch, when a floor changed with it', async () => {
      const following = follower(opened.sql, { feedChunkRows: 7 });
      await following.next();
      await opened.session.transaction(async () => {
        await opened.session.query("update area set floor = 'red' where id = 1");
        await opened.session.query(manyPeople('yellow'));
      });
      const batch = await following.nextChanges();
      expect(batch.people.length).toBe(100);
      expect(batch.floors.length).toBe(1);
      await following.end();
    });

    it('takes a new position when that is more than it may hold', async () => {
      const following = follower(opened.sql, { feedChunkRows: 10, feedChangesMax: 50 });
      await following.next();
      await opened.session.transaction(async () => {
        await opened.session.query("update area set floor = 'green' where id = 1");
        await opened.session.query(manyPeople('red'));
      });
      const batch = await following.nextChanges();
      expect(batch.joins).toBe('restarts');
      expect(batch.floors.length).toBe(2);
      await following.end();
    });

    it('replays what lies between two cursors', async () => {
      const following = follower(opened.sql);
      const from = (await following.next()).cursor;
      await opened.session.query(manyPeople('green'));
      const to = (await following.nextChanges()).cursor;
      await opened.session.query(manyPeople('yellow'));
      const outbox = new OutboxFeed(
        opened.sql,
        { ...OPTIONS, feedChunkRows: 30 },
        systemClock,
        noLog,
      );
      const people: PersonChange[] = [];
      for await (const piece of outbox.replay(from, to, new AbortController().signal))
        people.push(...piece);
      expect(people.length).toBe(100);
      expect(people.every((one) => 'color' in one && one.color === GREEN)).toBe(true);
      await following.end();
    });

    it('notices that it was away longer than the outbox is kept', async () => {
      const following = follower(opened.sql);
      await following.next();
      await insert(30);
      // Trimmed by the keeper as if the retention had passed.
      await opened.session.exec(`
        insert into feed_cursor (stored_at, snapshot) values (now() - interval '2 hours', pg_current_snapshot());
        delete from history_token where written_at > now() - interval '2 seconds'
          and token <> (select token from history_token order by written_at desc limit 1);
        update history_token set written_at = written_at - interval '5 seconds';
        select lookup_keep(pg_current_snapshot(), interval '1 hour');`);
      const [rows] = await opened.session.query<{ n: string }>(
        'select count(*)::text as n from outbox',
      );
      expect(Number(rows?.n)).toBe(0);
      expect((await following.nextChanges()).joins).toBe('restarts');
      await following.end();
    });

    it('notices a source that lost history, and has it give out only higher versions', async () => {
      const following = follower(opened.sql);
      const before = await following.next();
      // The keeper has run by the second batch, so the cursor holds a token.
      await following.next();
      await opened.session.exec("delete from history_token; select setval('change_version', 1)");
      const after = await following.nextChanges();
      expect(after.joins).toBe('new-epoch');
      expect(after.epoch).not.toBe(before.epoch);
      const [row] = await opened.session.query<{ v: string }>(
        'select last_value::text as v from change_version',
      );
      expect(Number(row?.v)).toBeGreaterThan(1_000);
      await following.end();
    });

    it('tells a first load by one mark, which must find nobody there', async () => {
      const [row] = await opened.session.query<{ as_of: Date; source_epoch: string }>(
        'select * from lookup_mark()',
      );
      expect(row?.source_epoch).toMatch(/^\d+-\d{8}-\d+$/);
    });
  });
}
