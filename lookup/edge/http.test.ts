// The phones' door, asked as phones ask, and as nobody should. Every answer is held to proto/openapi.yaml.

import { createHmac, generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOf, madePhoto, openWorld, type Running, type World } from '../../test/service.ts';
import { until } from '../../test/wait.ts';

const PHOTO = madePhoto(1);
const LARGE = madePhoto(2, 200_000);
let world: World;
let running: Running;
let token: string;

beforeAll(async () => {
  world = await openWorld();
  await world.writer.area(1);
  await world.writer.photo(PHOTO);
  await world.writer.photo(LARGE);
  await world.writer.person(1, 'green', [1], PHOTO.id);
  await world.writer.person(2, 'red', [], LARGE.id);
  await world.writer.people(100, 100);
  running = await world.start();
  await running.service.ready;
  token = world.token(idOf(1));
});
afterAll(() => world.close());

const inFlight = (one = running) => one.metric('lookup_in_flight{edge="http"}');
const aborted = (one = running) =>
  one.metric('lookup_outcomes_total{edge="http",outcome="aborted"}');
const photoOf = async (n: number) =>
  (await running.code(world.token(idOf(n)))).json.photo as string;

/** What came back for these bytes, and how the connection ended. */
interface Heard {
  readonly text: string;
  readonly how: 'open' | 'closed' | 'reset';
  readonly ms: number;
}

/**
 * Sends bytes as they are.
 * @param patienceMs how long to listen when nobody closes
 */
function say(pieces: readonly (string | Buffer)[], patienceMs: number): Promise<Heard> {
  const begun = performance.now();
  const socket = connect(running.service.httpPort, '127.0.0.1');
  let text = '';
  return new Promise((resolve) => {
    const end = (how: Heard['how']) => {
      clearTimeout(timer);
      resolve({ text, how, ms: performance.now() - begun });
      socket.destroy();
    };
    const timer = setTimeout(() => end('open'), patienceMs);
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('error', () => end('reset'));
    socket.on('close', () => end('closed'));
    socket.on('connect', () => {
      socket.setNoDelay();
      void (async () => {
        for (const piece of pieces) {
          socket.write(piece);
          // A turn between the pieces, so that they travel apart.
          await new Promise((resume) => setTimeout(resume, 20));
        }
      })();
    });
  });
}

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
const good = (extra = '', line = 'GET /v1/code HTTP/1.1') =>
  `${line}\r\nHost: lookup\r\nAuthorization: Bearer ${token}\r\n${extra}\r\n`;

describe('a token', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = (more: object = {}) => ({
    iss: 'https://wechat.demo.invalid',
    sub: idOf(1),
    aud: 'lookup-http',
    exp: Math.floor(Date.now() / 1_000) + 60,
    ...more,
  });
  const signed = (header: object, payload: object, secret: Buffer | string) => {
    const body = `${part(header)}.${part(payload)}`;
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
  };
  const keyOf = (name: string) => {
    const issuer = world.issuers.find((one) => one.name === name);
    const key = issuer?.keys[0];
    if (!key) throw new Error(`no key of ${name}`);
    return key;
  };
  const secretOf = (name: string) => Buffer.from(keyOf(name).jwk.k ?? '', 'base64url');
  const hs256 = { alg: 'HS256', kid: 'wechat-1' };

  const refused: [string, string, () => string][] = [
    [
      'with alg none',
      'invalid',
      () => `${part({ alg: 'none', kid: 'wechat-1' })}.${part(claims())}.`,
    ],
    [
      'with alg nOnE',
      'invalid',
      () => `${part({ alg: 'nOnE', kid: 'wechat-1' })}.${part(claims())}.`,
    ],
    [
      'signed with a public key as if it were a secret',
      'invalid',
      () => {
        const { verifying } = keyOf('city');
        const pem = verifying.export({ type: 'spki', format: 'pem' }) as string;
        const city = claims({ iss: 'https://city.demo.invalid' });
        return signed({ alg: 'HS256', kid: 'city-1' }, city, pem);
      },
    ],
    [
      'signed with the x of a public key as if it were a secret',
      'invalid',
      () => {
        const x = Buffer.from(keyOf('city').jwk.x ?? '', 'base64url');
        const city = claims({ iss: 'https://city.demo.invalid' });
        return signed({ alg: 'HS256', kid: 'city-1' }, city, x);
      },
    ],
    [
      'that brings its own key',
      'invalid',
      () => {
        const { publicKey } = generateKeyPairSync('ed25519');
        const jwk = publicKey.export({ format: 'jwk' });
        return signed({ ...hs256, jwk }, claims(), Buffer.from(jwk.x as string, 'base64url'));
      },
    ],
    ['of an unknown key', 'invalid', () => signed({ alg: 'HS256', kid: 'x' }, claims(), 'x')],
    ['without a kid', 'invalid', () => signed({ alg: 'HS256' }, claims(), secretOf('wechat'))],
    ['wrongly signed', 'invalid', () => signed(hs256, claims(), 'another secret')],
    [
      "of one issuer, signed with another's key",
      'invalid',
      () => signed({ alg: 'HS256', kid: 'alipay-1' }, claims(), secretOf('alipay')),
    ],
    [
      'of a foreign issuer',
      'invalid',
      () => signed(hs256, claims({ iss: 'https://other.invalid' }), secretOf('wechat')),
    ],
    ['without iss', 'invalid', () => signed(hs256, claims({ iss: undefined }), secretOf('wechat'))],
    ['without exp', 'invalid', () => signed(hs256, claims({ exp: undefined }), secretOf('wechat'))],
    [
      'with exp as text',
      'invalid',
      () => signed(hs256, claims({ exp: '9999999999' }), secretOf('wechat')),
    ],
    ['without sub', 'invalid', () => signed(hs256, claims({ sub: undefined }), secretOf('wechat'))],
    [
      'with another sub',
      'invalid',
      () => signed(hs256, claims({ sub: '../x' }), secretOf('wechat')),
    ],
    [
      'whose sub is spelled another way',
      'invalid',
      () => signed(hs256, claims({ sub: `${idOf(1).slice(0, -1)}R` }), secretOf('wechat')),
    ],
    ['for nobody', 'invalid', () => signed(hs256, claims({ aud: 'x' }), secretOf('wechat'))],
    [
      'for both doors',
      'invalid',
      () => signed(hs256, claims({ aud: ['lookup-http', 'lookup-gate'] }), secretOf('wechat')),
    ],
    ['for the gate', 'wrong-door', () => world.token(idOf(1), { audience: 'lookup-gate' })],
    [
      'not valid yet',
      'not-yet',
      () => {
        const nbf = Math.floor(Date.now() / 1_000) + 30;
        return signed(hs256, claims({ nbf }), secretOf('wechat'));
      },
    ],
    ['that has expired', 'expired', () => world.token(idOf(1), { nowMs: Date.now() - 90_000 })],
    ['of one part', 'malformed', () => 'abc'],
    ['of two parts', 'malformed', () => `${part(hs256)}.${part(claims())}`],
    ['of no JSON', 'malformed', () => 'eyJ.eyJ.eyJ'],
    ['that is huge', 'malformed', () => `${part({ ...hs256, x: 'x'.repeat(2_100) })}.e30.AA`],
  ];

  it.each(refused)('%s is refused as %s', async (_, kind, make) => {
    const { status, json } = await running.code(make());
    expect({ status, type: json.type }).toEqual({
      status: 401,
      type: `urn:lookup:problem:token-${kind}`,
    });
  });

  it('is good from each issuer, with each of its keys', async () => {
    for (const { name, keys } of world.issuers) {
      for (const { kid } of keys) {
        const { status } = await running.code(world.token(idOf(1), { issuer: name, kid }));
        expect([kid, status]).toEqual([kid, 200]);
      }
    }
  });

  it('that is remembered is refused once it has expired', async () => {
    const brief = world.token(idOf(1), { lifetimeS: -4 });
    expect((await running.code(brief)).status).toBe(200);
    await until(async () => (await running.code(brief)).status === 401, {
      what: 'it expires, leeway and all',
    });
    expect((await running.code(brief)).json.type).toBe('urn:lookup:problem:token-expired');
  });

  it('refusals are counted by kind', async () => {
    const count = 'lookup_refused_total{edge="http",reason="token-wrong-door"}';
    const before = await running.metric(count);
    await running.code(world.token(idOf(1), { audience: 'lookup-gate' }));
    expect(await running.metric(count)).toBe(before + 1);
  });
});

describe('a request', () => {
  it('to an unknown path is 404, by another method 405, and HEAD has no body', async () => {
    for (const path of ['/', '/v1', '/v1/code/', '/v1/code/x', '/v1/photo', '/V1/CODE', '/metrics'])
      expect([path, (await running.get(path)).status]).toEqual([path, 404]);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])
      for (const path of ['/v1/code', `/v1/photo/${PHOTO.id}`])
        expect([method, (await running.get(path, {}, method)).status]).toEqual([method, 405]);
  });

  it('keeps its id when it can be echoed, and gets one when not', async () => {
    const idFor = async (given: string) => {
      const answer = await running.get('/v1/code', { 'x-request-id': given });
      return JSON.parse(answer.body.toString()).request_id;
    };
    expect(await idFor('phone.7-a_B')).toBe('phone.7-a_B');
    for (const given of ['has space', 'x'.repeat(65), '"quoted"', ''])
      expect(await idFor(given)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['Content-Length: 5\r\n', 'hello'],
    ['Content-Length: 100000\r\n', ''],
    ['Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
    ['Transfer-Encoding: identity\r\n', ''],
    ['Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', '0\r\n\r\n'],
    ['Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'],
  ])('with a body (%j) is refused and its connection closed', async (header, body) => {
    const smuggled = good('', `GET /v1/code?smuggled HTTP/1.1`);
    for (const path of ['/v1/code', `/v1/photo/${PHOTO.id}?exp=1&sig=a.b`, '/nope']) {
      const { text, how } = await say(
        [`${good(header, `GET ${path} HTTP/1.1`)}${body}${smuggled}`],
        5_000,
      );
      expect([path, how]).not.toEqual([path, 'open']);
      // Nothing that came after it is ever answered.
      expect(statuses(text).filter((status) => status < 400)).toEqual([]);
      expect(statuses(text).length).toBeLessThanOrEqual(1);
    }
  });

  it.each(['POST', 'PUT', 'GET'])('by %s whose body comes later is closed too', async (method) => {
    const head = good('Content-Length: 5\r\n', `${method} /v1/code HTTP/1.1`);
    const { text, how } = await say([head, 'hello', good()], 5_000);
    expect(how).not.toBe('open');
    expect(statuses(text).filter((status) => status < 400)).toEqual([]);
  });

  it('with an empty body is like one without', async () => {
    expect(statuses((await say([good('Content-Length: 0\r\n')], 300)).text)).toEqual([200]);
  });

  it('in two pieces is answered', async () => {
    const whole = good();
    for (const cut of [3, 20, whole.length - 2]) {
      const { text } = await say([whole.slice(0, cut), whole.slice(cut)], 300);
      expect([cut, statuses(text)]).toEqual([cut, [200]]);
    }
  });

  it('of a pipeline is answered in its turn', async () => {
    await running.code(token);
    const { text } = await say([good() + good('', 'GET /nope HTTP/1.1') + good()], 500);
    expect(statuses(text)).toEqual([200, 404, 200]);
  });

  it('of a pipeline that waits for the source is answered or closed, and never mixed up', async () => {
    const other = world.token(idOf(150));
    running.doors.lookups.set('hangs');
    const waits = good().replace(token, other);
    const heard = say([waits + good()], 1_500);
    await until(() => running.doors.lookups.waiting > 0, { what: 'the first one waits' });
    running.doors.lookups.set('open');
    const { text, how } = await heard;
    if (how === 'open') expect(statuses(text)).toEqual([200, 200]);
    else expect(statuses(text).length).toBeLessThanOrEqual(1);
    expect(await inFlight()).toBe(0);
  });
});

describe('what the HTTP parser cannot take ends in a 4xx, a reset or a close within 10 s', () => {
  const header = (name: string, length: number) => `${name}: ${'x'.repeat(length)}\r\n`;
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => `x-h${i}: ${i}\r\n`).join('');
  const cases = (): [string, (string | Buffer)[]][] => [
    ['headers of 64 kB', [good(header('x-large', 65_000))]],
    [
      'headers of 64 kB in pieces',
      Array.from({ length: 9 }, (_, i) =>
        i === 0 ? good(header('x', 7_000)).slice(0, -4) : 'x'.repeat(8_000),
      ),
    ],
    ['200 headers', [good(many(200))]],
    ['a path of 64 kB', [good('', `GET /${'x'.repeat(65_000)} HTTP/1.1`)]],
    ['half a request', [good().slice(0, 30)]],
    ['half a header', [good().slice(0, -10)]],
    ['headers without an end', [good('X-Slow: 1').slice(0, -2)]],
    ['a request line alone', ['GET /v1/code HTTP/1.1\r\n']],
    ['nothing at all', []],
    ['garbage', [Buffer.from('00ff1603010200010001fc0303deadbeef', 'hex')]],
    ['a TLS hello', [Buffer.from('16030100a5010000a1030300000000', 'hex')]],
    ['an HTTP/2 preface', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']],
    ['bare line feeds', [good().replaceAll('\r\n', '\n')]],
    ['a header name with a space', [good('X Large: 1\r\n')]],
    ['a header name with an underscore', [good('x_large: 1\r\n')]],
    ['a folded header', [good('x-a: 1\r\n folded\r\n')]],
    ['a zero byte in a header', [good('x-a: \0\r\n')]],
    ['no Host', [good().replace('Host: lookup\r\n', '')]],
    ['HTTP/1.0', [good('', 'GET /v1/code HTTP/1.0')]],
    ['HTTP/0.9', ['GET /v1/code\r\n\r\n']],
    ['HTTP/3.7', [good('', 'GET /v1/code HTTP/3.7')]],
    ['an absolute address', [good('', 'GET http://lookup/v1/code HTTP/1.1')]],
    ['OPTIONS *', [good('', 'OPTIONS * HTTP/1.1')]],
    ['CONNECT', [good('', 'CONNECT lookup:443 HTTP/1.1')]],
    ['a negative Content-Length', [good('Content-Length: -1\r\n')]],
    ['a Content-Length that is none', [good('Content-Length: five\r\n')]],
    ['a huge Content-Length', [good('Content-Length: 99999999999999999999\r\n')]],
    [
      'two lengths',
      [
        `${good('Content-Length: 0\r\nContent-Length: 44\r\n')}`,
        'GET /v1/nope HTTP/1.1\r\nHost: lookup\r\n\r\n',
      ],
    ],
    ['an upgrade', [good('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n')]],
  ];

  it('each of them, all at once, while others are answered', async () => {
    const heard = await Promise.all(
      cases().map(async ([what, pieces]) => ({ what, ...(await say(pieces, 10_500)) })),
    );
    const table = heard.map(({ what, text, how }) => [what, how, ...statuses(text)]);
    // Answered as an ordinary request, and left open: harmless ones that this parser takes.
    const taken = table.filter(([, how, status]) => how === 'open' && status === undefined);
    expect(taken).toEqual([]);
    for (const [what, , ...answers] of table)
      expect([what, answers.filter((status) => Number(status) >= 500)]).toEqual([what, []]);
    expect((await running.code(token)).status).toBe(200);
    expect(await inFlight()).toBe(0);
  });
});

describe('a phone that goes away', () => {
  it('while it waits costs nothing, and is counted', async () => {
    const before = await aborted();
    running.doors.lookups.set('hangs');
    const sockets = Array.from({ length: 20 }, () =>
      connect(running.service.httpPort, '127.0.0.1'),
    );
    for (const [i, socket] of sockets.entries()) {
      socket.on('error', () => {});
      socket.write(good().replace(token, world.token(idOf(160 + i))));
    }
    await until(async () => (await inFlight()) === 20, { what: 'twenty wait', everyMs: 3 });
    for (const socket of sockets) socket.destroy();
    await until(async () => (await inFlight()) === 0, { what: 'nothing is in flight' });
    running.doors.lookups.set('open');
    expect(await aborted()).toBe(before + 20);
    expect((await running.code(token)).status).toBe(200);
  });

  it('in the middle of a photo costs nothing, whether it was in memory or not', async () => {
    const address = await photoOf(2);
    // Larger than all that the sockets between hold.
    const bytes = new Uint8Array(24_000_000).fill(7);
    const photos = {
      query: async () => [{ mime: 'image/png', bytes }] as never[],
      close: async () => {},
    };
    const { lookups, feed } = running.doors;
    const cold = await world.start({ sql: { lookups, feed, photos } });
    await cold.service.ready;
    for (const from of ['from the source', 'from memory']) {
      const before = await aborted(cold);
      const socket = connect(cold.service.httpPort, '127.0.0.1');
      socket.write(`GET ${address} HTTP/1.1\r\nHost: lookup\r\n\r\n`);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.pause();
      expect([from, await inFlight(cold)]).toEqual([from, 0]);
      socket.destroy();
      await until(async () => (await aborted(cold)) === before + 1, {
        what: `it is missed, ${from}`,
      });
      expect([from, await inFlight(cold)]).toEqual([from, 0]);
    }
    await cold.stop();
  });

  it('is not cut off from a photo that it reads while the process leaves', async () => {
    const address = await photoOf(2);
    const bytes = new Uint8Array(24_000_000).map((_, i) => i % 251);
    const photos = {
      query: async () => [{ mime: 'image/png', bytes }] as never[],
      close: async () => {},
    };
    const { lookups, feed } = running.doors;
    const cold = await world.start({
      sql: { lookups, feed, photos },
      config: { drainTimeoutMs: 20_000 },
    });
    await cold.service.ready;
    for (const from of ['the source', 'memory']) {
      const before = performance.now();
      const socket = connect(cold.service.httpPort, '127.0.0.1');
      socket.write(`GET ${address} HTTP/1.1\r\nHost: lookup\r\n\r\n`);
      await new Promise((resolve) => socket.once('readable', resolve));
      const left = from === 'memory' ? cold.stop() : undefined;
      let size = 0;
      for await (const chunk of socket) {
        size += (chunk as Buffer).length;
        if (!left && size > bytes.length) break;
      }
      expect([from, size > bytes.length]).toEqual([from, true]);
      await left;
      expect(performance.now() - before).toBeLessThan(15_000);
    }
  });

  it('and reads a photo slowly gets it whole', async () => {
    const address = await photoOf(2);
    const bytes = new Uint8Array(12_000_000).map((_, i) => i % 251);
    const photos = {
      query: async () => [{ mime: 'image/png', bytes }] as never[],
      close: async () => {},
    };
    const { lookups, feed } = running.doors;
    const cold = await world.start({ sql: { lookups, feed, photos } });
    await cold.service.ready;
    for (const from of ['from the source', 'from memory']) {
      const socket = connect(cold.service.httpPort, '127.0.0.1');
      socket.write(`GET ${address} HTTP/1.1\r\nHost: lookup\r\n\r\n`);
      const chunks: Buffer[] = [];
      let [size, head] = [0, -1];
      for await (const chunk of socket) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (head < 0) head = Buffer.concat(chunks).indexOf('\r\n\r\n') + 4;
        if (size >= head + bytes.length) break;
        if (chunks.length % 16 === 0) await new Promise((resume) => setTimeout(resume, 2));
      }
      expect([from, Buffer.concat(chunks).subarray(head).equals(bytes)]).toEqual([from, true]);
    }
    await cold.stop();
  });
});

describe('a photo', () => {
  it('is given by its address, immutable, and 304 to whoever has it', async () => {
    const address = await photoOf(1);
    const answer = await running.get(address);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(PHOTO.bytes)).toBe(true);
    const etag = answer.headers.etag as string;
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await running.get(address, { 'if-none-match': given });
      expect([given, again.status, again.body.length]).toEqual([given, 304, 0]);
    }
    expect((await running.get(address, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('is not given for an address that was changed, of another photo, or of another key', async () => {
    const address = await photoOf(1);
    const type = async (path: string) => {
      const { status, body } = await running.get(path);
      return `${status} ${JSON.parse(body.toString()).type.split(':').pop()}`;
    };
    const [, exp = '', sig = ''] = /exp=(\d+)&sig=(.+)$/.exec(address) ?? [];
    const changed = [
      address.replace(PHOTO.id, LARGE.id),
      address.replace(exp, String(Number(exp) + 1)),
      address.replace(exp, `${exp}0`),
      address.replace(exp, `0${exp}`),
      address.replace(exp, ''),
      address.replace(sig, sig.replace(/^[^.]+/, 'other')),
      address.replace(sig, `${sig}A`),
      address.replace(sig, sig.slice(0, -2)),
      address.replace(sig, ''),
      address.replace('p1.', '.'),
      `/v1/photo/${PHOTO.id}`,
      `/v1/photo/${PHOTO.id}?exp=${exp}`,
      address.replace(PHOTO.id, '..%2f..%2fetc'),
      address.replace(PHOTO.id, `${PHOTO.id.slice(0, -1)}R`),
    ];
    for (const path of changed)
      expect([path, await type(path)]).toEqual([path, '403 address-invalid']);
    expect((await running.get(address)).status).toBe(200);
  });

  it('is not given once its address has expired', async () => {
    const brief = await world.start({ config: { photoAddressMs: 1_000 } });
    await brief.service.ready;
    const { json } = await brief.code(token);
    const address = json.photo as string;
    expect((await brief.get(address)).status).toBe(200);
    await until(async () => (await brief.get(address)).status === 403, { what: 'it expires' });
    const { body } = await brief.get(address);
    expect(JSON.parse(body.toString()).type).toBe('urn:lookup:problem:address-expired');
    await brief.stop();
  });

  it('that is not there is 404; one that cannot be read is 503; the color is answered', async () => {
    await world.writer.person(3, 'green', [], madePhoto(77).id);
    expect((await running.get(await photoOf(3))).status).toBe(404);
    await world.writer.person(4, 'green', [], madePhoto(78).id);
    const address = await photoOf(4);
    running.doors.photos.set('refuses');
    const answer = await running.get(address);
    expect(answer.status).toBe(503);
    expect((await running.code(world.token(idOf(4)))).status).toBe(200);
    running.doors.photos.set('open');
    expect((await running.get(address)).status).toBe(404);
  });
});

describe('a fault of ours', () => {
  it('is a 500 and a log line, and the process lives', async () => {
    const broken = await world.start();
    await broken.service.ready;
    const { find } = broken.service.lookup;
    const faults = [
      () => {
        throw new Error('made to fail');
      },
      () => Promise.reject(new Error('made to fail later')),
      () => ({ outcome: 'found', color: 1, asOf: Number.NaN }),
    ];
    for (const fault of faults) {
      broken.service.lookup.find = fault as typeof find;
      const answer = await broken.get('/v1/code', {
        authorization: `Bearer ${token}`,
        'x-request-id': 'from-the-phone',
      });
      expect(answer.status).toBe(500);
      const { request_id } = JSON.parse(answer.body.toString());
      const line = broken.log.find((entry) => JSON.stringify(entry.fields).includes(request_id));
      expect(line?.level).toBe('error');
    }
    expect(await broken.metric('lookup_outcomes_total{edge="http",outcome="failed"}')).toBe(3);
    broken.service.lookup.find = find;
    expect((await broken.code(token)).status).toBe(200);
    expect(await inFlight(broken)).toBe(0);
    await broken.stop();
  });
});

describe('two processes on one port', () => {
  it('do not share it: the second says which port, and leaves nothing running', async () => {
    const ports = {
      LOOKUP_HTTP_PORT: { httpPort: running.service.httpPort },
      LOOKUP_GRPC_PORT: { grpcPort: running.service.grpcPort },
      LOOKUP_OPS_PORT: { opsPort: running.service.opsPort },
    };
    for (const [name, config] of Object.entries(ports)) {
      const free = await freePort();
      const taken = { httpPort: free, ...config };
      await expect(world.start({ config: taken })).rejects.toThrow(name);
      // Whatever it had opened by then is closed again.
      if (name !== 'LOOKUP_HTTP_PORT') expect(await answersAt(free)).toBe(false);
    }
    expect((await running.code(token)).status).toBe(200);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function answersAt(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
