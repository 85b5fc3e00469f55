// The gates' door, asked over the wire.

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Line } from '../../test/gate.ts';
import { idOf, madePhoto, openWorld, type Running, type World } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { NotLoopbackError } from './grpc.ts';
import { GRPC } from './status.ts';

const PHOTO = madePhoto(1);
const KNOWN = 200;
let world: World;
let running: Running;

beforeAll(async () => {
  world = await openWorld();
  await world.writer.area(1);
  await world.writer.photo(PHOTO);
  await world.writer.people(1, KNOWN, [1]);
  await world.writer.people(10_000, 5_000);
  running = await world.start();
  await running.service.ready;
});
afterAll(() => world.close());

/** Waits so long that a caller has always left before. */
async function startPatient(): Promise<Running> {
  const patient = await world.start({
    config: { deadlineGrpcMs: 20_000, sourceTimeoutHardMs: 10_000 },
  });
  await patient.service.ready;
  return patient;
}
const inFlight = (one: Running) => one.metric('lookup_in_flight{edge="grpc"}');
const requestIds = (line: Line) => line.answers.map((a) => a.requestId).sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
/** Of the bytes of LookupStreamRequest with one question about a subject. */
const asked = (n: number) => ({ requestId: n, subject: idOf(n) });

describe('a stream', () => {
  it('answers many questions of a message in few messages, matched by request id', async () => {
    const line = running.gate.line();
    for (let first = 1; first <= 192; first += 64)
      line.ask(...upTo(64).map((n) => asked(first + n - 1)));
    await line.answered(192);
    expect(requestIds(line)).toEqual(upTo(192));
    expect(line.answers.every((a) => a.outcome === 'found' && a.color === 1)).toBe(true);
    expect(line.messages.length).toBeLessThan(20);
    expect(await line.end()).toMatchObject({ code: GRPC.OK });
  });

  it('answers each person with their own color, whatever the order', async () => {
    const colors = ['green', 'yellow', 'red'];
    for (let n = 300; n < 330; n++) await world.writer.person(n, colors[n % 3]);
    const line = running.gate.line();
    for (const round of [0, 1, 2])
      for (let n = 300; n < 330; n++) line.ask({ requestId: round * 1_000 + n, subject: idOf(n) });
    for (const { requestId, color } of await line.answered(90))
      expect(color).toBe(((requestId % 1_000) % 3) + 1);
    await line.end();
  });

  it('goes on after questions that fail, each with its own outcome', async () => {
    const line = running.gate.line();
    line.ask(
      { requestId: 1, subject: 'short' },
      { requestId: 2 },
      { requestId: 3, token: 'no.token.here' },
      { requestId: 4, subject: idOf(1), minAsOf: { sourceEpoch: 'another' } },
      { requestId: 5, subject: idOf(1) },
      { requestId: 6, subject: idOf(4_000) },
    );
    const answers = await line.answered(6);
    const told = new Map(answers.map((a) => [a.requestId, a.reason ?? a.outcome]));
    expect([...told.entries()].sort(([a], [b]) => a - b).map(([, what]) => what)).toEqual([
      'REASON_SUBJECT_MALFORMED',
      'REASON_QUESTION_EMPTY',
      'REASON_TOKEN_INVALID',
      'REASON_MARK_REFUSED',
      'found',
      'absent',
    ]);
    expect(line.status).toBeUndefined();
    expect(await line.end()).toMatchObject({ code: GRPC.OK });
  });

  it('refuses every question of a message with too many, and goes on', async () => {
    const line = running.gate.line();
    line.ask(...upTo(65).map(asked));
    const answers = await line.answered(65);
    expect(new Set(answers.map((a) => a.reason))).toEqual(new Set(['REASON_TOO_MANY_QUESTIONS']));
    expect(requestIds(line)).toEqual(upTo(65));
    expect(await line.one({ requestId: 66, subject: idOf(1) })).toMatchObject({ color: 1 });
    await line.end();
  });

  it('answers all that was asked before the half-close, also what waits for the source', async () => {
    running.doors.lookups.set('hangs');
    const line = running.gate.line();
    line.ask(...upTo(30).map((n) => asked(10_000 + n)));
    line.stream.end();
    await until(() => running.doors.lookups.waiting > 0, { what: 'the source is asked' });
    expect(line.status).toBeUndefined();
    running.doors.lookups.set('open');
    await until(() => line.status, { what: 'the stream ends' });
    expect(line.status).toMatchObject({ code: GRPC.OK });
    expect(line.answers.map((a) => a.outcome)).toEqual(upTo(30).map(() => 'found'));
  });

  it('echoes a request id to the last of its 64 bits', async () => {
    const ids = ['1152921504606846977', '1152921504606846978', '9007199254740993'];
    const { lookup } = await import('../../proto/lookup/v1/lookup.js');
    const seen: string[] = [];
    const line = running.gate.line();
    line.stream.on('data', (bytes: Buffer) => {
      for (const answer of lookup.v1.LookupStreamResponse.decode(bytes).answers ?? [])
        seen.push(varintAt(bytes) ?? String(answer.requestId));
    });
    for (const id of ids) {
      const subject = Buffer.concat([Buffer.from([0x12, 22]), Buffer.from(idOf(1))]);
      const question = Buffer.concat([Buffer.from([0x08]), varintOf(BigInt(id)), subject]);
      line.stream.write(Buffer.concat([Buffer.from([0x0a, question.length]), question]));
      await line.answered(seen.length === 0 ? 1 : seen.length);
      await until(() => seen.length === ids.indexOf(id) + 1, { what: 'an answer' });
    }
    expect(seen).toEqual(ids);
    await line.end();
  });

  it('reads no further while too many are in flight', async () => {
    const narrow = await world.start({
      config: { streamInFlightMax: 100, deadlineGrpcMs: 3_000, sourceTimeoutHardMs: 2_500 },
    });
    await narrow.service.ready;
    narrow.doors.lookups.set('hangs');
    const line = narrow.gate.line();
    for (let n = 0; n < 2_000; n++) line.ask(asked(10_000 + n));
    await until(async () => (await inFlight(narrow)) >= 100, { what: 'a hundred wait' });
    await pause(100);
    expect(await inFlight(narrow)).toBeLessThanOrEqual(100 + 64);
    narrow.doors.lookups.set('open');
    await line.answered(2_000, 10_000);
    expect(line.answers.filter((a) => a.outcome === 'found').length).toBe(2_000);
    await line.end();
    await narrow.stop();
  });

  it('buffers no more for a slow reader than the connection does', async () => {
    const line = running.gate.line();
    line.stream.pause();
    const found = () => running.metric('lookup_found_total{edge="grpc",layer="memory"}');
    const before = await found();
    const total = 3_000;
    for (let m = 0; m < total; m++) line.ask(...upTo(16).map((n) => asked(n)));
    let last = -1;
    const stalled = async () => {
      const now = await found();
      const same = now === last && now > before;
      last = now;
      return same;
    };
    await until(stalled, { what: 'the service stops reading', everyMs: 150 });
    expect(last - before).toBeLessThan((total * 16) / 2);
    line.stream.resume();
    await line.answered(total * 16, 15_000);
    expect(await line.end()).toMatchObject({ code: GRPC.OK });
  });

  it('that is cancelled with questions in flight costs nothing', async () => {
    const patient = await startPatient();
    const aborted = () => patient.metric('lookup_outcomes_total{edge="grpc",outcome="aborted"}');
    patient.doors.lookups.set('hangs');
    const line = patient.gate.line();
    line.ask(...upTo(10).map((n) => asked(10_100 + n)));
    await until(async () => (await inFlight(patient)) === 10, { what: 'ten wait' });
    line.stream.cancel();
    await until(async () => (await aborted()) === 1, { what: 'it is counted' });
    patient.doors.lookups.set('open');
    await until(async () => (await inFlight(patient)) === 0, { what: 'nothing is in flight' });
    expect((await patient.gate.lookup({ subject: idOf(1) })).code).toBe(GRPC.OK);
    expect(await aborted()).toBe(1);
    await patient.stop();
  });

  it('that is cancelled when all is answered is not counted as aborted', async () => {
    const aborted = 'lookup_outcomes_total{edge="grpc",outcome="aborted"}';
    const before = await running.metric(aborted);
    const line = running.gate.line();
    expect(await line.one(asked(1))).toMatchObject({ outcome: 'found' });
    line.stream.cancel();
    // On the same connection: what was sent before it has been read.
    expect((await running.gate.lookup({ subject: idOf(1) })).code).toBe(GRPC.OK);
    expect(await running.metric(aborted)).toBe(before);
  });
});

describe('a call', () => {
  it("keeps the caller's deadline when it is shorter", async () => {
    const patient = await startPatient();
    patient.doors.lookups.set('hangs');
    const begun = performance.now();
    const ended = await patient.gate.lookup({ subject: idOf(11_000) }, 100);
    expect(ended.code).toBe(GRPC.DEADLINE_EXCEEDED);
    await until(async () => (await inFlight(patient)) === 0, { what: 'the service lets go too' });
    expect(performance.now() - begun).toBeLessThan(1_500);
    patient.doors.lookups.set('open');
    await patient.stop();
  });

  it('that is cancelled costs nothing, and is counted', async () => {
    const aborted = 'lookup_outcomes_total{edge="grpc",outcome="aborted"}';
    const before = await running.metric(aborted);
    running.doors.lookups.set('hangs');
    const { lookup } = await import('../../proto/lookup/v1/lookup.js');
    const question = { subject: idOf(11_001) };
    const request = lookup.v1.LookupRequest.encode({ question }).finish();
    const code = await new Promise((resolve) => {
      const call = running.gate.call('Lookup', request, 5_000, (how) => resolve(how.code));
      void until(() => running.doors.lookups.waiting > 0, { what: 'it waits' }).then(() =>
        call.cancel(),
      );
    });
    expect(code).toBe(1);
    await until(async () => (await inFlight(running)) === 0, { what: 'nothing is in flight' });
    running.doors.lookups.set('open');
    expect(await running.metric(aborted)).toBe(before + 1);
  });

  it('whose bytes are no message is INVALID_ARGUMENT, counted, and nothing else', async () => {
    const count = 'lookup_refused_total{edge="grpc",reason="message-malformed"}';
    const before = await running.metric(count);
    for (const bytes of [
      'ff',
      '0a',
      '0a05',
      '0a0208',
      '0affffffff0f',
      '08ffffffffffffffffffff01',
    ]) {
      const ended = await running.gate.unary('Lookup', Buffer.from(bytes, 'hex'));
      expect([bytes, ended.code]).toEqual([bytes, GRPC.INVALID_ARGUMENT]);
    }
    const photo = await running.gate.unary('GetPhoto', Buffer.from('0aff', 'hex'));
    expect(photo.code).toBe(GRPC.INVALID_ARGUMENT);
    const line = running.gate.line();
    line.stream.write(Buffer.from('0a050800', 'hex'));
    await until(() => line.status, { what: 'the stream ends' });
    expect(line.status).toMatchObject({ code: GRPC.INVALID_ARGUMENT });
    expect(await running.metric(count)).toBe(before + 7);
    expect((await running.gate.lookup({ subject: idOf(1) })).code).toBe(GRPC.OK);
  });

  it('that is too large is RESOURCE_EXHAUSTED, on a stream too, and nothing else', async () => {
    const large = Buffer.alloc(70_000, 0x0a);
    expect((await running.gate.unary('Lookup', large)).code).toBe(GRPC.RESOURCE_EXHAUSTED);
    const line = running.gate.line();
    line.stream.write(large);
    await until(() => line.status, { what: 'the stream ends' });
    expect(line.status).toMatchObject({ code: GRPC.RESOURCE_EXHAUSTED });
    expect((await running.gate.lookup({ subject: idOf(1) })).code).toBe(GRPC.OK);
  });

  it('of an unknown method is UNIMPLEMENTED', async () => {
    const ended = await running.gate.unary('/lookup.v1.LookupService/Forget', Buffer.alloc(0));
    expect(ended.code).toBe(GRPC.UNIMPLEMENTED);
  });

  it('that fails inside is answered, logged and survived', async () => {
    const broken = await world.start();
    await broken.service.ready;
    broken.service.lookup.find = () => {
      throw new Error('made to fail');
    };
    expect((await broken.gate.lookup({ subject: idOf(1) })).code).toBe(GRPC.UNAVAILABLE);
    broken.service.lookup.find = () => Promise.reject(new Error('made to fail later'));
    expect((await broken.gate.lookup({ subject: idOf(1) })).code).toBe(GRPC.UNAVAILABLE);
    const line = broken.gate.line();
    expect(await line.one(asked(1))).toMatchObject({ outcome: 'unavailable' });
    expect(broken.log.filter((entry) => entry.level === 'error')).toHaveLength(3);
    await broken.stop();
  });
});

describe('GetPhoto', () => {
  it('gives the bytes, and tells a photo that is not there from one that cannot be had', async () => {
    const { mime, image } = await running.gate.photo(PHOTO.id);
    expect(mime).toBe('image/png');
    expect(Buffer.from(image ?? []).equals(PHOTO.bytes)).toBe(true);
    expect((await running.gate.photo(madePhoto(9).id)).code).toBe(GRPC.NOT_FOUND);
    expect((await running.gate.photo('../../etc/passwd')).code).toBe(GRPC.INVALID_ARGUMENT);
    running.doors.photos.set('refuses');
    const ended = await running.gate.photo(madePhoto(8).id);
    expect(ended.code).toBe(GRPC.UNAVAILABLE);
    expect(ended.pushbackMs).toBeGreaterThan(0);
    expect((await running.gate.photo(PHOTO.id)).code).toBe(GRPC.OK);
    running.doors.photos.set('open');
  });
});

describe("a writer's mark", () => {
  it('is honored: the answer is never older, on either call', async () => {
    const line = running.gate.line();
    for (let round = 0; round < 60; round++) {
      const color = round % 2 === 0 ? 'red' : 'green';
      await world.writer.person(150, color);
      const minAsOf = await world.writer.mark();
      const question = { requestId: round + 1, subject: idOf(150), minAsOf };
      const answer =
        round % 3 === 0 ? await line.one(question) : (await running.gate.lookup(question)).answer;
      expect([round, answer?.color]).toEqual([round, color === 'red' ? 3 : 1]);
      expect(answer?.asOfMs).toBeGreaterThanOrEqual(Math.floor(minAsOf.asOfMs));
    }
    await line.end();
  });

  it('reads through to the source when memory is not that far, and says so when it cannot', async () => {
    const behind = await world.start();
    await behind.service.ready;
    const subject = idOf(151);
    expect((await behind.gate.lookup({ subject })).answer).toMatchObject({ color: 1 });
    behind.doors.feed.set('hangs');
    await world.writer.person(151, 'red');
    const minAsOf = await world.writer.mark();
    const through = await behind.gate.lookup({ subject, minAsOf });
    expect(through.answer).toMatchObject({ color: 3, layer: 'source' });
    await world.writer.person(151, 'yellow');
    const later = await world.writer.mark();
    behind.doors.lookups.set('hangs');
    expect(await behind.gate.lookup({ subject, minAsOf: later })).toMatchObject({
      code: GRPC.UNAVAILABLE,
    });
    behind.doors.lookups.set('open');
    behind.doors.feed.set('open');
    await behind.stop();
  });

  it('of another epoch, or ahead of the clock of the source, is refused', async () => {
    const mark = await world.writer.mark();
    const subject = idOf(1);
    const ahead = { seconds: mark.asOf.seconds + 60, nanos: 0 };
    for (const minAsOf of [
      { ...mark, sourceEpoch: `${mark.sourceEpoch}1` },
      { ...mark, sourceEpoch: '' },
      { ...mark, asOf: ahead },
    ]) {
      const ended = await running.gate.lookup({ subject, minAsOf });
      expect(ended).toMatchObject({ code: GRPC.INVALID_ARGUMENT, problem: 'mark-refused' });
    }
  });
});

describe('health', () => {
  it('is SERVING, and NOT_SERVING from the drain on, while what is asked is still answered', async () => {
    const leaving = await world.start({ config: { drainWaitMs: 400 } });
    await leaving.service.ready;
    const check = async (service: string) => {
      const name = Buffer.from(service);
      const request = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
      const { bytes } = await leaving.gate.unary('/grpc.health.v1.Health/Check', request);
      return bytes?.[1];
    };
    const service = 'lookup.v1.LookupService';
    const line = leaving.gate.line();
    await line.one(asked(1));
    expect([await check(''), await check(service)]).toEqual([1, 1]);
    const drained = leaving.service.drain();
    expect([await check(''), await check(service)]).toEqual([2, 2]);
    expect((await leaving.gate.lookup({ subject: idOf(1) })).code).toBe(GRPC.OK);
    expect(await line.one(asked(2))).toMatchObject({ outcome: 'found' });
    // The line is still open: the service ends it, once it is answered, and does not wait for the gate.
    const begun = performance.now();
    await drained;
    expect(performance.now() - begun).toBeLessThan(850);
    expect(line.status).toMatchObject({ code: GRPC.OK });
    leaving.gate.close();
  });

  it('does not keep a drain waiting past its time, whoever holds a stream open', async () => {
    const leaving = await world.start({ config: { drainTimeoutMs: 300 } });
    await leaving.service.ready;
    const same = (bytes: Uint8Array) => Buffer.from(bytes);
    const watch = leaving.gate.client.makeServerStreamRequest(
      '/grpc.health.v1.Health/Watch',
      same,
      same,
      Buffer.alloc(0),
    );
    watch.on('error', () => {});
    await new Promise((resolve) => watch.once('data', resolve));
    const begun = performance.now();
    await leaving.service.drain();
    expect(performance.now() - begun).toBeLessThan(1_000);
    leaving.gate.close();
  });
});

it('refuses to listen beyond loopback', async () => {
  for (const grpcHost of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'example'])
    await expect(world.start({ config: { grpcHost } })).rejects.toThrow(NotLoopbackError);
});

function varintOf(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** The request id of the first answer in a message, exactly. */
function varintAt(bytes: Buffer): string | undefined {
  if (bytes[2] !== 0x08) return undefined;
  let value = 0n;
  for (let at = 3, shift = 0n; ; at++, shift += 7n) {
    value |= BigInt((bytes[at] as number) & 127) << shift;
    if ((bytes[at] as number) < 128) return String(value);
  }
}
