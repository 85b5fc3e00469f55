// The table of outcomes in design.md, row by row, for both protocols.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOf, openWorld, type Running, type World } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { GRPC } from './status.ts';

const [KNOWN, NOBODY, UNREAD] = [idOf(1), idOf(999), idOf(2)];
let world: World;
let running: Running;

beforeAll(async () => {
  world = await openWorld();
  await world.writer.area(1, 'yellow');
  await world.writer.person(1, 'green', [1]);
  await world.writer.people(2, 10);
  running = await world.start();
  await running.service.ready;
});
afterAll(() => world.close());

const problem = (kind: string, status: number) =>
  expect.objectContaining({ type: `urn:lookup:problem:${kind}`, status });

describe('found', () => {
  it('is 200 with the effective color, its time, and no "stale"', async () => {
    const { status, json } = await running.code(world.token(KNOWN));
    expect(status).toBe(200);
    expect(json).toEqual({ color: 'yellow', photo: null, as_of: expect.any(String) });
    expect(Date.now() - Date.parse(json.as_of as string)).toBeLessThan(2_000);
  });

  it('is OK with version, time, age and layer', async () => {
    const { code, answer } = await running.gate.lookup({ subject: KNOWN });
    expect(code).toBe(GRPC.OK);
    expect(answer).toMatchObject({ outcome: 'found', color: 2, fresh: true, photoId: '' });
    expect(answer?.version).toBeGreaterThan(0);
    expect(answer?.ageMs).toBeLessThan(2_000);
  });

  it('is found in a stream too, and by the token that a phone shows', async () => {
    const token = world.token(KNOWN, { audience: 'lookup-gate' });
    const line = running.gate.line();
    expect(await line.one({ requestId: 1, token })).toMatchObject({ outcome: 'found', color: 2 });
    expect((await running.gate.lookup({ token })).answer).toMatchObject({ color: 2 });
    await line.end();
  });
});

describe('absent', () => {
  it('is 404 to a phone, and an answer to a gate', async () => {
    const { status, json } = await running.code(world.token(NOBODY));
    expect(status).toBe(404);
    expect(json).toEqual(problem('absent', 404));
    const { code, answer } = await running.gate.lookup({ subject: NOBODY });
    expect(code).toBe(GRPC.OK);
    expect(answer).toMatchObject({ outcome: 'absent' });
    expect(Math.abs(Date.now() - (answer?.asOfMs ?? 0))).toBeLessThan(2_000);
    const line = running.gate.line();
    expect(await line.one({ requestId: 3, subject: NOBODY })).toMatchObject({ outcome: 'absent' });
    await line.end();
  });
});

describe('a token', () => {
  const nowMs = Date.now() - 600_000;
  const cases = [
    ['token-missing', () => ''],
    ['token-expired', (audience) => world.token(KNOWN, { audience, nowMs })],
    ['token-malformed', () => 'not.a.token'],
    ['token-invalid', (audience) => `${world.token(KNOWN, { audience }).slice(0, -3)}AAA`],
    [
      'token-wrong-door',
      (audience) =>
        world.token(KNOWN, {
          audience: audience === 'lookup-http' ? 'lookup-gate' : 'lookup-http',
        }),
    ],
  ] as const satisfies readonly [string, (audience: 'lookup-http' | 'lookup-gate') => string][];

  it.each(cases)('of kind %s is 401 to a phone, with a type of its own', async (kind, make) => {
    const { status, json, headers } = await running.code(make('lookup-http'));
    expect(status).toBe(401);
    expect(json).toEqual(problem(kind, 401));
    expect(headers['www-authenticate']).toBe('Bearer');
    expect(headers['retry-after']).toBeUndefined();
  });

  it.each(cases.slice(1))('of kind %s is UNAUTHENTICATED to a gate', async (kind, make) => {
    const token = make('lookup-gate');
    const ended = await running.gate.lookup({ token });
    expect(ended).toMatchObject({ code: GRPC.UNAUTHENTICATED, problem: kind });
    expect(ended.pushbackMs).toBeUndefined();
    const line = running.gate.line();
    const reason = {
      'token-expired': 'REASON_TOKEN_EXPIRED',
      'token-wrong-door': 'REASON_TOKEN_WRONG_DOOR',
    }[kind as string];
    expect(await line.one({ requestId: 1, token })).toMatchObject({
      outcome: 'refused',
      reason: reason ?? 'REASON_TOKEN_INVALID',
    });
    expect(await line.end()).toMatchObject({ code: GRPC.OK });
  });

  it('that is empty is an empty question to a gate', async () => {
    for (const question of [{ token: '' }, {}, undefined]) {
      const ended = await running.gate.lookup(question);
      expect(ended).toMatchObject({ code: GRPC.INVALID_ARGUMENT, problem: 'question-empty' });
    }
  });
});

describe('a source that hangs', () => {
  it('gives unavailable, with Retry-After or pushback, before the deadline', async () => {
    running.doors.lookups.set('hangs');
    const begun = performance.now();
    const [phone, gate] = await Promise.all([
      running.code(world.token(UNREAD)),
      running.gate.lookup({ subject: UNREAD }),
    ]);
    expect(performance.now() - begun).toBeLessThan(290);
    expect(phone.status).toBe(503);
    expect(phone.json).toEqual(problem('unavailable', 503));
    expect(gate).toMatchObject({ code: GRPC.UNAVAILABLE, problem: 'unavailable' });
    expect(gate.pushbackMs).toBeGreaterThan(0);
    const line = running.gate.line();
    const answer = await line.one({ requestId: 1, subject: UNREAD });
    expect(answer).toMatchObject({ outcome: 'unavailable', reason: 'REASON_SOURCE' });
    expect(await line.end()).toMatchObject({ code: GRPC.OK });
    running.doors.lookups.set('open');
  });

  it('gives 504 and DEADLINE_EXCEEDED once the deadline has passed', async () => {
    const slow = await world.start({
      config: { deadlineHttpMs: 60, deadlineGrpcMs: 40, sourceTimeoutHardMs: 5_000 },
    });
    await slow.service.ready;
    slow.doors.lookups.set('hangs');
    const { status, json } = await slow.code(world.token(UNREAD));
    expect(status).toBe(504);
    expect(json).toEqual(problem('deadline', 504));
    const gate = await slow.gate.lookup({ subject: UNREAD });
    expect(gate).toMatchObject({ code: GRPC.DEADLINE_EXCEEDED, problem: 'deadline' });
    expect(gate.ms).toBeLessThan(1_000);
    const line = slow.gate.line();
    const answer = await line.one({ requestId: 1, subject: UNREAD });
    expect(answer).toMatchObject({ outcome: 'unavailable', reason: 'REASON_DEADLINE' });
    slow.doors.lookups.set('open');
    await slow.stop();
  });

  it('sheds past the requests in flight, at once, with a spread Retry-After and pushback', async () => {
    const small = await world.start({
      config: {
        httpInFlightMax: 1,
        grpcInFlightMax: 1,
        sourceTimeoutHardMs: 5_000,
        // The first ones wait until the others have been told, however busy the machine is.
        deadlineHttpMs: 6_000,
        deadlineGrpcMs: 6_000,
      },
    });
    await small.service.ready;
    small.doors.lookups.set('hangs');
    const waiting = [
      small.code(world.token(idOf(3))),
      small.gate.lookup({ subject: idOf(4) }),
    ] as const;
    await until(() => small.doors.lookups.waiting > 0, { what: 'the first ones wait' });
    await until(async () => (await small.metric('lookup_in_flight{edge="grpc"}')) === 1, {
      what: 'a gate waits',
    });
    const begun = performance.now();
    const phone = await small.code(world.token(UNREAD));
    const gate = await small.gate.lookup({ subject: UNREAD });
    expect(performance.now() - begun).toBeLessThan(200);
    expect(phone.status).toBe(503);
    expect(phone.json).toEqual(problem('shed', 503));
    expect(gate).toMatchObject({ code: GRPC.RESOURCE_EXHAUSTED, problem: 'shed' });
    expect(gate.pushbackMs).toBeGreaterThan(0);
    const line = small.gate.line();
    const answer = await line.one({ requestId: 1, subject: UNREAD });
    expect(answer).toMatchObject({ outcome: 'shed' });
    expect(answer.retryAfterMs).toBeGreaterThan(0);
    small.doors.lookups.set('open');
    expect(
      (await Promise.all(waiting)).map((one) => ('status' in one ? one.status : one.code)),
    ).toEqual([200, GRPC.OK]);
    await small.stop();
  });
});

it('says "starting" while it knows no floors, and is not ready', async () => {
  const [{ doors }, cold] = [running, await coldService()];
  expect(doors.feed).toBeDefined();
  expect((await cold.code(world.token(KNOWN))).json).toEqual(problem('unavailable', 503));
  expect(await cold.gate.lookup({ subject: KNOWN })).toMatchObject({ code: GRPC.UNAVAILABLE });
  const line = cold.gate.line();
  const answer = await line.one({ requestId: 1, subject: KNOWN });
  expect(answer).toMatchObject({ outcome: 'unavailable', reason: 'REASON_STARTING' });
  await cold.stop();
});

async function coldService(): Promise<Running> {
  const { Switch } = await import('../../test/service.ts');
  const away = new Switch({
    query: () => Promise.reject(new Error('away')),
    close: async () => {},
  });
  return world.start({ sql: { lookups: away, feed: away, photos: away } });
}
