import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../test/wait.ts';
import { Heard, keepAsking, linesOf } from './flood.ts';
import { FloodLine } from './flood-line.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** @returns where it listens */
async function serving(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const tokens = Array.from({ length: 1_000 }, (_, i) => `token-${i}`);
const urlOf = ({ port }: { readonly port: number }) => `http://127.0.0.1:${port}`;

describe('a line', () => {
  const listening = () => {
    const heard: [number, number][] = [];
    const onHeard = (status: number, ms: number) => heard.push([status, ms]);
    return { heard, onHeard, statuses: () => heard.map(([status]) => status) };
  };
  const requests = ['one', 'two'].map((token) =>
    Buffer.from(`GET /v1/code HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`),
  );

  test('asks with its tokens in turn, and hears what it is told, in however many pieces', async () => {
    const asked: (string | undefined)[] = [];
    const where = await serving((req, res) => {
      asked.push(req.headers.authorization);
      if (asked.length % 2 === 0)
        return void res.writeHead(503, { 'content-length': 7 }).end('{"a":1}');
      res.writeHead(200, { 'content-length': 17 }).write('{"color"');
      setTimeout(() => res.end(':"green"}'), 20);
    });
    const { heard, onHeard, statuses } = listening();
    const line = new FloodLine({ ...where, requests, onHeard, patienceMs: 1_000 });
    for (let n = 1; n <= 3; n++) {
      line.ask(performance.now());
      await until(() => heard.length === n, { what: 'it has heard' });
    }
    expect(statuses()).toEqual([200, 503, 200]);
    expect(asked).toEqual(['Bearer one', 'Bearer two', 'Bearer one']);
    expect(heard[0]?.[1]).toBeGreaterThan(15);
    line.end();
  });

  test('who is due while it waits asks once more, as soon as it is answered', async () => {
    let answer = () => {};
    let asked = 0;
    const where = await serving((_, res) => {
      asked += 1;
      answer = () => res.writeHead(200, { 'content-length': 2 }).end('{}');
    });
    const { heard, onHeard } = listening();
    const line = new FloodLine({ ...where, requests, onHeard, patienceMs: 1_000 });
    for (let n = 0; n < 5; n++) line.ask(performance.now());
    await until(() => asked === 1, { what: 'it asks' });
    answer();
    await until(() => asked === 2, { what: 'it asks again' });
    expect(heard).toHaveLength(1);
    answer();
    await until(() => heard.length === 2, { what: 'it is answered' });
    expect(asked).toBe(2);
    line.end();
  });

  test('who is cut off, or hears nothing, is told so, and comes back a second later', async () => {
    let asked = 0;
    const where = await serving((req, res) => {
      asked += 1;
      if (asked === 1) req.socket.destroy();
      if (asked === 3) res.writeHead(200, { 'content-length': 2 }).end('{}');
    });
    const { heard, onHeard, statuses } = listening();
    const line = new FloodLine({ ...where, requests, onHeard, patienceMs: 100 });
    line.ask(performance.now());
    await until(() => heard.length === 1, { what: 'it is cut off' });
    const at = performance.now();
    line.ask(at);
    expect(asked).toBe(1);
    line.ask(at + 1_100);
    await until(() => asked === 2, { what: 'it asks again' });
    // Nobody answers.
    line.ask(at + 1_150);
    expect(heard).toHaveLength(1);
    line.ask(at + 1_250);
    line.ask(at + 2_500);
    await until(() => heard.length === 3, { what: 'it is answered' });
    expect(statuses()).toEqual([0, 0, 200]);
    line.end();
  });
});

describe('a flood', () => {
  test('asks all processes alike, evenly, at its rate, each connection with tokens of its own', async () => {
    const seen: { readonly atMs: number; readonly token: string; readonly port: number }[] = [];
    const sockets = new Map<string, Set<unknown>>();
    const answer = (req: IncomingMessage, res: ServerResponse) => {
      const token = req.headers.authorization ?? '';
      seen.push({ atMs: performance.now(), token, port: req.socket.localPort as number });
      sockets.set(token, (sockets.get(token) ?? new Set()).add(req.socket));
      res.writeHead(200, { 'content-length': 2 }).end('{}');
    };
    const all = [await serving(answer), await serving(answer)];
    const heard = new Heard();
    const lines = linesOf({ urls: all.map(urlOf), connections: 39 }, tokens, (status, ms) =>
      heard.add(status, ms),
    );
    expect(lines).toHaveLength(40);
    const begun = performance.now();
    await keepAsking(lines, { perS: 400, seconds: 3 });
    const second = heard.take();
    expect(second).toMatchObject({ refused: 0, other: 0 });
    // In the first second connections begin.
    const later = seen.filter(({ atMs }) => atMs > begun + 1_000);
    expect(later.length).toBeGreaterThan(700);
    expect(later.length).toBeLessThan(820);
    const first = later.filter(({ port }) => port === all[0]?.port).length;
    expect(first / later.length).toBeCloseTo(0.5, 1);
    expect([...sockets.values()].every(({ size }) => size === 1)).toBe(true);
    const byTenth = new Map<number, number>();
    for (const { atMs } of later) {
      const tenth = Math.floor((atMs - begun) / 100);
      byTenth.set(tenth, (byTenth.get(tenth) ?? 0) + 1);
    }
    expect(byTenth.size).toBeGreaterThanOrEqual(20);
  });

  test('asks no more than is answered when answers take longer than its connections allow', async () => {
    const where = await serving((_, res) => {
      setTimeout(() => res.writeHead(503, { 'content-length': 2 }).end('{}'), 100);
    });
    const heard = new Heard();
    const lines = linesOf({ urls: [urlOf(where)], connections: 10 }, tokens, (status, ms) =>
      heard.add(status, ms),
    );
    await keepAsking(lines, { perS: 1_000, seconds: 2 });
    const { refused, refusedInTime, refusalP99Ms, answered, other } = heard.take();
    expect([answered, other, refusedInTime]).toEqual([0, 0, 0]);
    expect(refused).toBeGreaterThan(50);
    expect(refused).toBeLessThanOrEqual(200);
    expect(refusalP99Ms).toBeGreaterThanOrEqual(99);
  });

  test('tells each second by itself', () => {
    const heard = new Heard();
    for (const ms of [10, 60]) heard.add(503, ms);
    for (const ms of [50, 150]) heard.add(200, ms);
    heard.add(429, 5);
    heard.add(0, 10_000);
    expect(heard.take()).toMatchObject({
      ...{ answered: 2, inTime: 1, refused: 3, refusedInTime: 2, refusalP99Ms: 60, other: 1 },
    });
    expect(heard.take()).toMatchObject({ answered: 0, refused: 0, refusalP99Ms: 0, other: 0 });
  });

  test('has no more connections than people, and as many to each process', () => {
    const of = (count: number) =>
      linesOf(
        { urls: ['http://a:1', 'http://b:1'], connections: 100 },
        tokens.slice(0, count),
        () => {},
      );
    expect(of(29)).toHaveLength(28);
    expect(() => of(1)).toThrow('1 people are too few to flood 2 processes');
  });
});
