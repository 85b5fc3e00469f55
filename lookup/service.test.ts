// The whole service on a real PostgreSQL: a change shows, a source that goes away and comes back is survived.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type OwnPostgres, startOwnPostgres } from '../test/database.ts';
import { openPostgresWorld, type PostgresWorld } from '../test/postgres-world.ts';
import { idOf, madePhoto, msUntil, type Running, type Writer } from '../test/service.ts';
import { until } from '../test/wait.ts';
import { GRPC } from './edge/status.ts';
import type { ReadAnswer } from './edge/wire.ts';

const VISIBLE_WITHIN_MS = 500;

describe('a change by plain SQL', () => {
  const [OLD, NEW] = [madePhoto(1), madePhoto(2)];
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let world: PostgresWorld;
  let writer: Writer;
  let running: Running;

  beforeAll(async () => {
    database = await freshDatabase();
    world = await openPostgresWorld(database.url);
    writer = await world.connect();
    await writer.area(1);
    await writer.area(2, 'yellow');
    await writer.photo(OLD);
    await writer.photo(NEW);
    for (let n = 1; n <= 20; n++) await writer.person(n, 'green', [1], OLD.id);
    running = await world.start();
    await running.service.ready;
  });
  afterAll(async () => {
    await world.close();
    await database.drop();
  });

  const gate = async (n: number) => (await running.gate.lookup({ subject: idOf(n) })).answer;
  const phone = async (n: number) => (await running.code(world.token(idOf(n)))).json;

  /** Both doors have answered for them, from memory: so a change must reach what is held. */
  async function hold(n: number): Promise<void> {
    await phone(n);
    await until(async () => (await gate(n))?.layer === 'memory', { what: 'it is held' });
  }

  /** How long after the commit's return each door shows it. */
  async function visible(
    write: () => Promise<unknown>,
    shown: { phone: () => Promise<boolean>; gate: () => Promise<boolean> },
  ): Promise<void> {
    expect([await shown.phone(), await shown.gate()]).toEqual([false, false]);
    await write();
    const ms = await Promise.all([
      msUntil('the phone shows it', shown.phone),
      msUntil('the gate shows it', shown.gate),
    ]);
    expect(Math.max(...ms)).toBeLessThan(VISIBLE_WITHIN_MS);
  }

  it('of a color shows over both protocols within 500 ms', async () => {
    await hold(1);
    await visible(
      () =>
        writer.session.exec(
          `update person set color = 'red' where subject = lookup_subject('${idOf(1)}')`,
        ),
      {
        phone: async () => (await phone(1)).color === 'red',
        gate: async () => (await gate(1))?.color === 3,
      },
    );
    expect((await phone(2)).color).toBe('green');
  });

  it('of a whole area shows for each who is tied to it', async () => {
    for (const n of [3, 4]) await hold(n);
    const all = async (ask: (n: number) => Promise<boolean>) =>
      (await Promise.all([3, 4].map(ask))).every(Boolean);
    await visible(() => writer.session.exec(`update area set floor = 'yellow' where id = 1`), {
      phone: () => all(async (n) => (await phone(n)).color === 'yellow'),
      gate: () => all(async (n) => (await gate(n))?.color === 2),
    });
    // Their own color is the worse one: it stays.
    expect((await phone(1)).color).toBe('red');
    await visible(() => writer.session.exec(`update area set floor = 'green' where id = 1`), {
      phone: () => all(async (n) => (await phone(n)).color === 'green'),
      gate: () => all(async (n) => (await gate(n))?.color === 1),
    });
  });

  it('of the areas that a person is tied to shows', async () => {
    await hold(5);
    await visible(
      () =>
        writer.session.exec(
          `update person set areas = '{1,2}' where subject = lookup_subject('${idOf(5)}')`,
        ),
      {
        phone: async () => (await phone(5)).color === 'yellow',
        gate: async () => (await gate(5))?.color === 2,
      },
    );
  });

  it('of a photo shows, and its address serves the new bytes', async () => {
    await hold(6);
    const photo = async () => String((await phone(6)).photo);
    expect((await running.get(await photo())).body).toEqual(OLD.bytes);
    await visible(
      () =>
        writer.session.exec(
          `update person set photo_id = lookup_subject('${NEW.id}') where subject = lookup_subject('${idOf(6)}')`,
        ),
      {
        phone: async () => (await photo()).startsWith(`/v1/photo/${NEW.id}?`),
        gate: async () => (await gate(6))?.photoId === NEW.id,
      },
    );
    expect((await running.get(await photo())).body).toEqual(NEW.bytes);
    expect(Buffer.from((await running.gate.photo(NEW.id)).image ?? [])).toEqual(NEW.bytes);
  });

  it('that inserts a person who was asked for as absent is in their first answer', async () => {
    expect((await gate(900))?.outcome).toBe('absent');
    expect((await running.code(world.token(idOf(900)))).status).toBe(404);
    expect(await running.metric('lookup_negative_entries')).toBeGreaterThan(0);
    await visible(() => writer.person(900, 'yellow'), {
      phone: async () => (await phone(900)).color === 'yellow',
      gate: async () => (await gate(900))?.color === 2,
    });
  });

  it('that erases a person leaves nothing to answer', async () => {
    await hold(7);
    await visible(() => writer.erase(7), {
      phone: async () => (await running.code(world.token(idOf(7)))).status === 404,
      gate: async () => (await gate(7))?.outcome === 'absent',
    });
  });
});

describe('a source that is away, with a thousand people in memory', () => {
  const HELD = 1_000;
  let postgres: OwnPostgres;
  let world: PostgresWorld;
  let running: Running;

  beforeAll(async () => {
    postgres = await startOwnPostgres();
    world = await openPostgresWorld(postgres.url);
    const writer = await world.connect();
    await writer.people(1, HELD);
    await writer.people(5_000, 10);
    running = await world.start({ config: { streamQuestionsMax: HELD, feedTimeoutMs: 500 } });
    await running.service.ready;
    await askAll();
    await until(async () => (await askAll()).every((a) => a.layer === 'memory'), {
      what: 'all are held',
    });
  });
  afterAll(async () => {
    postgres.resume();
    await world.close();
  });

  const numbers = Array.from({ length: HELD }, (_, i) => i + 1);
  async function askAll(): Promise<ReadAnswer[]> {
    const line = running.gate.line();
    line.ask(...numbers.map((n) => ({ requestId: n, subject: idOf(n) })));
    const answers = [...(await line.answered(HELD))];
    await line.end();
    return answers;
  }

  const cut = (how: 'swallows' | 'open') => {
    for (const door of Object.values(running.doors)) door.set(how);
  };
  const away: [string, number, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['stopped', 5_000, () => postgres.stop('fast'), () => postgres.start()],
    ['that hangs', 5_003, async () => postgres.pause(), async () => postgres.resume()],
    ['behind a cut cable', 5_006, async () => cut('swallows'), async () => cut('open')],
  ];
  it.each(away)(
    '%s: answered from memory, marked, and fresh again',
    async (_, firstUnheard, leave, comeBack) => {
      const unheard = [0, 1, 2].map((i) => firstUnheard + i);
      await leave();
      const leftMs = Date.now();

      // Marked exactly when it is older than the bound, whenever that is asked.
      await until(
        async () => {
          const answers = await askAll();
          for (const { outcome, fresh, ageMs, asOfMs } of answers) {
            expect(outcome).toBe('found');
            expect(fresh).toBe((ageMs ?? Infinity) <= 2_000);
            expect(asOfMs).toBeLessThanOrEqual(leftMs);
          }
          return answers.every(({ fresh }) => !fresh);
        },
        { what: 'all are marked', timeoutMs: 5_000, everyMs: 100 },
      );
      expect(Date.now() - leftMs).toBeGreaterThan(2_000 - 300);
      const phones = await Promise.all(
        numbers.map((n) => running.code(world.token(idOf(n), { issuer: 'wechat' }))),
      );
      for (const { status, json } of phones) {
        expect(status).toBe(200);
        expect(json).toMatchObject({ color: 'green', stale: true });
        expect(Date.parse(json.as_of as string)).toBeLessThanOrEqual(leftMs);
      }

      // Who is not held is told so in time, and never a color.
      for (const n of unheard) {
        const begun = performance.now();
        const { status, json } = await running.code(world.token(idOf(n)));
        expect(performance.now() - begun).toBeLessThan(300);
        expect([status, json.type]).toEqual([503, 'urn:lookup:problem:unavailable']);
        const gate = await running.gate.lookup({ subject: idOf(n) });
        expect(gate.code).toBe(GRPC.UNAVAILABLE);
        expect(gate.ms).toBeLessThan(200);
      }

      await comeBack();
      const back = Date.now();
      const writer = await world.connect();
      await writer.person(1, 'red');
      const withinMs = () => 2_000 - (Date.now() - back);
      const right = ({ fresh, color, requestId }: ReadAnswer) =>
        fresh && color === (requestId === 1 ? 3 : 1);
      await until(async () => (await askAll()).every(right), {
        what: 'all are fresh again',
        timeoutMs: withinMs(),
      });
      await until(async () => (await running.metric('lookup_suspect')) === 0, {
        what: 'it follows again: not each answer is read from the source',
        timeoutMs: withinMs(),
      });
      // The circuit breaker has closed again too.
      for (const n of unheard) {
        await until(
          async () => (await running.gate.lookup({ subject: idOf(n) })).answer?.outcome === 'found',
          { what: 'who is not held is read again', timeoutMs: withinMs() },
        );
      }
      await writer.person(1, 'green');
      await until(async () => (await askAll())[0]?.color === 1, { what: 'all are green again' });
    },
  );
});
