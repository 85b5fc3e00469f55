// Who is refused at the door and who is not, for each cause; and that each refusal is counted once, by its cause.

import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { idOf, madePhoto, openWorld, type Running, type World } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { Lookup } from '../lookup.ts';
import { Photos } from '../photo/photos.ts';
import { Admission, type Cause, type Door } from './admission.ts';
import { GRPC } from './status.ts';

const [KNOWN, UNREAD, SHOWN] = [idOf(1), idOf(2), idOf(3)];
const PHOTO = madePhoto(3);
const SHED = expect.objectContaining({ type: 'urn:lookup:problem:shed', status: 503 });
let world: World;
let running: Running;
/** Seen before, of somebody in memory. */
let known: string;
let photo: string;

beforeAll(async () => {
  world = await openWorld();
  await world.writer.photo(PHOTO);
  await world.writer.person(1);
  await world.writer.person(2);
  await world.writer.person(3, 'green', [], PHOTO.id);
  running = await world.start({ config: { subjectPerS: 1, subjectBurst: 15 } });
  await running.service.ready;
  known = world.token(KNOWN);
  await running.code(known);
  photo = (await running.code(world.token(SHOWN))).json.photo as string;
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => world.close());

function refuse(cause: Cause, door: Door) {
  const at = vi.spyOn(Admission.prototype, 'refuse');
  at.mockImplementation((one) => (one === door ? cause : undefined));
}

/** How much the counters of one cause, and of those who were told so, grow meanwhile. */
async function counted(door: Door, cause: Cause, work: () => Promise<void>) {
  const edge = door === 'grpc' ? 'grpc' : 'http';
  const names = [
    `lookup_admission_${door}_${cause.replace('-', '_')}_total`,
    `lookup_outcomes_total{edge="${edge}",outcome="shed"}`,
  ];
  const read = () => Promise.all(names.map((name) => running.metric(name)));
  const before = await read();
  await work();
  return (await read()).map((value, i) => value - (before[i] as number));
}

describe('phones', () => {
  it.each(['delay', 'in-flight'] as const)('%s: whom memory answers is answered', async (cause) => {
    refuse(cause, 'http');
    const grown = await counted('http', cause, async () => {
      expect(await running.code(known)).toMatchObject({ status: 200 });
      expect((await running.code(world.token(UNREAD))).json).toEqual(SHED);
    });
    expect(grown).toEqual([1, 1]);
  });

  it('in-flight: a new token is read all the same', async () => {
    refuse('in-flight', 'http');
    const again = world.token(KNOWN, { issuer: 'alipay' });
    expect(await running.code(again)).toMatchObject({ status: 200 });
  });

  it('delay: whose token is new is refused unread, and who was here before is not', async () => {
    refuse('delay', 'http');
    const grown = await counted('http', 'delay', async () => {
      expect(await running.code(known)).toMatchObject({ status: 200 });
      expect((await running.code(`${known.slice(0, -3)}abc`)).json).toEqual(SHED);
      expect(await running.get('/v1/code')).toMatchObject({ status: 401 });
    });
    expect(grown).toEqual([1, 1]);
  });

  it('whose token is new is told to admission, though memory answers', async () => {
    const newcomer = vi.spyOn(Admission.prototype, 'newcomer');
    const token = world.token(KNOWN, { issuer: 'alipay', lifetimeS: 61 });
    expect(await running.code(token)).toMatchObject({ status: 200 });
    expect(newcomer).toHaveBeenCalledTimes(1);
    expect(await running.code(token)).toMatchObject({ status: 200 });
    expect(await running.code(known)).toMatchObject({ status: 200 });
    expect(newcomer).toHaveBeenCalledTimes(1);
  });

  it('whose token is bad is told to admission: it costs as much as a good one', async () => {
    const newcomer = vi.spyOn(Admission.prototype, 'newcomer');
    const forged = `${known.slice(0, -4)}aaaA`;
    for (let i = 1; i <= 3; i++) {
      expect(await running.code(forged)).toMatchObject({ status: 401 });
      expect(newcomer).toHaveBeenCalledTimes(i);
    }
    expect(await running.get('/v1/code')).toMatchObject({ status: 401 });
    expect(newcomer).toHaveBeenCalledTimes(3);
  });

  it('who is nobody, and asks again, is not new each time: their token is remembered', async () => {
    const newcomer = vi.spyOn(Admission.prototype, 'newcomer');
    const nobody = world.token(idOf(9));
    for (let i = 0; i < 3; i++) expect(await running.code(nobody)).toMatchObject({ status: 404 });
    // At first it waited, and was counted as who waits.
    expect(newcomer).not.toHaveBeenCalled();
  });

  it('who leaves before they are answered has waited', async () => {
    const waited = vi.spyOn(Admission.prototype, 'waited');
    const found = vi.spyOn(Lookup.prototype, 'find').mockReturnValue(new Promise(() => {}));
    const leaving = connect(running.service.httpPort, '127.0.0.1');
    leaving.write(
      `GET /v1/code HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.token(UNREAD)}\r\n\r\n`,
    );
    await until(() => found.mock.calls.length === 1, { what: 'it waits' });
    expect(waited).not.toHaveBeenCalled();
    leaving.destroy();
    await until(() => waited.mock.calls.length === 1, { what: 'it has waited' });
    expect(waited).toHaveBeenCalledWith('http', expect.any(Number));
  });

  it('stalled: nobody is answered', async () => {
    refuse('stalled', 'http');
    const grown = await counted('http', 'stalled', async () => {
      expect((await running.code(known)).json).toEqual(SHED);
    });
    expect(grown).toEqual([1, 1]);
  });

  it('who asks too often hears that, whatever else', async () => {
    refuse('delay', 'http');
    const statuses: number[] = [];
    for (let i = 0; i < 20; i++) statuses.push((await running.code(known)).status);
    expect(statuses).toContain(429);
    expect(statuses).not.toContain(503);
  });
});

describe('gates', () => {
  it.each(['delay', 'in-flight'] as const)('%s: whom memory answers is answered', async (cause) => {
    refuse(cause, 'grpc');
    const grown = await counted('grpc', cause, async () => {
      expect(await running.gate.lookup({ subject: KNOWN })).toMatchObject({ code: GRPC.OK });
      const refused = { code: GRPC.RESOURCE_EXHAUSTED, problem: 'shed' };
      expect(await running.gate.lookup({ subject: UNREAD })).toMatchObject(refused);
      const line = running.gate.line();
      expect(await line.one({ requestId: 1, subject: UNREAD })).toMatchObject({ outcome: 'shed' });
      expect(await line.one({ requestId: 2, subject: KNOWN })).toMatchObject({ outcome: 'found' });
      await line.end();
    });
    expect(grown).toEqual([2, 2]);
  });

  it('stalled: nobody is answered', async () => {
    vi.spyOn(Admission.prototype, 'dropsBacklog').mockReturnValue(true);
    const grown = await counted('grpc', 'stalled', async () => {
      const refused = { code: GRPC.RESOURCE_EXHAUSTED, problem: 'shed' };
      expect(await running.gate.lookup({ subject: KNOWN })).toMatchObject(refused);
    });
    expect(grown).toEqual([1, 1]);
  });
});

it('photos are refused at both doors, and colors are not', async () => {
  refuse('delay', 'photo');
  const grown = await counted('photo', 'delay', async () => {
    expect(JSON.parse((await running.get(photo)).body.toString())).toEqual(SHED);
    const refused = { code: GRPC.RESOURCE_EXHAUSTED, problem: 'shed' };
    expect(await running.gate.photo(PHOTO.id)).toMatchObject(refused);
    expect(await running.code(world.token(SHOWN))).toMatchObject({ status: 200 });
  });
  // Photos are no lookups, and have no outcome.
  expect(grown).toEqual([2, 0]);
});

it('photos that are too many are counted at both doors', async () => {
  vi.spyOn(Photos.prototype, 'find').mockResolvedValue({ outcome: 'shed' });
  const grown = await counted('photo', 'in-flight', async () => {
    expect(JSON.parse((await running.get(photo)).body.toString())).toEqual(SHED);
    const refused = { code: GRPC.RESOURCE_EXHAUSTED, problem: 'shed' };
    expect(await running.gate.photo(PHOTO.id)).toMatchObject(refused);
  });
  expect(grown).toEqual([2, 0]);
});
