// `lookup serve` as it is delivered: the built process, told to end while it answers.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase } from '../test/database.ts';
import { Gate } from '../test/gate.ts';
import { type Built, startBuilt } from '../test/process.ts';
import { ask, contract, idOf, type Keys, Writer } from '../test/service.ts';
import { demoKeys } from './demo/keys.ts';
import { readIssuers } from './edge/issuers.ts';
import { mintToken } from './edge/mint.ts';
import { migrate } from './source/migrate.ts';
import { openPostgresSession } from './source/postgres.ts';
import type { SqlSession } from './source/sql.ts';

let dir: string;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let session: SqlSession;
let env: Record<string, string>;
let token: Keys['token'];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lookup-serve-'));
  const { issuersFile, photoKeysFile } = await demoKeys(dir);
  // Keys that are nobody's demo.
  for (const file of [issuersFile, photoKeysFile]) {
    const { demo, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
    expect(demo).toBe(true);
    writeFileSync(file, JSON.stringify(rest));
  }
  const issuers = readIssuers(issuersFile, { allowDemo: false });
  token = (subject) =>
    mintToken(issuers, {
      issuer: 'wechat',
      subject,
      audience: 'lookup-http',
      lifetimeS: 60,
      nowMs: Date.now(),
    });
  database = await freshDatabase();
  session = await openPostgresSession(database.url);
  await migrate(session);
  await new Writer(session).people(1, 10);
  env = {
    LOOKUP_POSTGRES_URL: database.url,
    LOOKUP_ISSUERS_FILE: issuersFile,
    LOOKUP_PHOTO_KEYS_FILE: photoKeysFile,
    LOOKUP_HTTP_PORT: '0',
    LOOKUP_GRPC_PORT: '0',
    LOOKUP_OPS_PORT: '0',
    // Long enough that a question can be kept waiting.
    LOOKUP_SOURCE_TIMEOUT_HARD_MS: '8000',
    LOOKUP_DEADLINE_HTTP_MS: '9000',
    LOOKUP_DEADLINE_GRPC_MS: '9000',
  };
});
afterAll(async () => {
  await session.close();
  await database.drop();
  rmSync(dir, { recursive: true, force: true });
});

async function serve(more: Record<string, string>) {
  const built = await startBuilt(['serve'], { ...env, ...more });
  await built.line(/"msg":"ready"/);
  const ports = built.json().find(({ msg }) => msg === 'listening') as Record<string, number>;
  const ops = async (path: string) => {
    const { status, body } = await ask(ports.ops as number, { path, method: 'GET' });
    return { status, text: body.toString() };
  };
  return {
    built,
    ops,
    gate: new Gate(ports.grpc as number),
    code: async (n: number) => {
      const headers = { authorization: `Bearer ${token(idOf(n))}` };
      const answer = await ask(ports.http as number, { path: '/v1/code', method: 'GET', headers });
      contract.check(answer);
      return answer;
    },
    /** Whether somebody new is let in; asks nothing of the source. */
    knock: () =>
      ask(ports.http as number, { path: '/', method: 'GET' }).then(
        ({ status }) => status,
        (error: NodeJS.ErrnoException) => error.code,
      ),
    waiting: async (edge: string) =>
      (await ops('/metrics')).text.includes(`lookup_in_flight{edge="${edge}"} 1`),
  };
}

const draining = (built: Built) => built.line(/draining: not ready any more/);

it('leaves without dropping a request: unready, still answering, finishing, 0', async () => {
  const { built, ops, gate, code, waiting } = await serve({ LOOKUP_DRAIN_WAIT_MS: '1000' });
  expect(await ops('/readyz')).toEqual({ status: 200, text: 'ready\n' });

  await session.exec('begin; lock table person in access exclusive mode');
  const asked = [code(1), gate.lookup({ subject: idOf(2) }, 9_000)] as const;
  await built.until(async () => (await waiting('http')) && (await waiting('grpc')), 'both wait');
  built.kill('SIGTERM');
  await draining(built);
  expect(await ops('/readyz')).toEqual({ status: 503, text: 'draining\n' });
  expect((await ops('/livez')).status).toBe(200);
  // Balancers have not noticed yet: whoever still comes is answered.
  const late = code(3);
  await session.exec('commit');

  expect((await asked[0]).status).toBe(200);
  expect((await asked[1]).answer).toMatchObject({ outcome: 'found', color: 1 });
  const { status, headers } = await late;
  expect([status, headers.connection]).toEqual([200, 'close']);
  expect(await built.ended).toEqual({ code: 0, signal: null });
  gate.close();
});

it('finishes what is in flight after the doors have closed', async () => {
  const { built, gate, code, knock, waiting } = await serve({ LOOKUP_DRAIN_WAIT_MS: '0' });
  await session.exec('begin; lock table person in access exclusive mode');
  const asked = [code(4), gate.lookup({ subject: idOf(5) }, 9_000)] as const;
  await built.until(async () => (await waiting('http')) && (await waiting('grpc')), 'both wait');
  built.kill('SIGTERM');
  await built.until(async () => (await knock()) === 'ECONNREFUSED', 'nobody new is let in');
  await session.exec('commit');
  expect((await asked[0]).status).toBe(200);
  expect((await asked[1]).answer).toMatchObject({ outcome: 'found' });
  expect(await built.ended).toEqual({ code: 0, signal: null });
  gate.close();
});

it('ends at once when it is told twice', async () => {
  const { built, code, waiting } = await serve({ LOOKUP_DRAIN_WAIT_MS: '60000' });
  await session.exec('begin; lock table person in access exclusive mode');
  const lost = code(7).catch((error: NodeJS.ErrnoException) => error.code);
  await built.until(() => waiting('http'), 'one waits');
  built.kill('SIGTERM');
  await draining(built);
  const told = performance.now();
  expect(await built.stop('SIGTERM')).toBe(130);
  expect(performance.now() - told).toBeLessThan(1_000);
  expect(await lost).toBe('ECONNRESET');
  await session.exec('rollback');
});

it('gives up on what never finishes, when its time is over', async () => {
  const { built, code, waiting } = await serve({
    LOOKUP_DRAIN_WAIT_MS: '0',
    LOOKUP_DRAIN_TIMEOUT_MS: '300',
    LOOKUP_SOURCE_TIMEOUT_HARD_MS: '2000',
  });
  await session.exec('begin; lock table person in access exclusive mode');
  const lost = code(7).catch((error: NodeJS.ErrnoException) => error.code);
  await built.until(() => waiting('http'), 'one waits');
  const told = performance.now();
  expect(await built.stop('SIGINT')).toBe(0);
  expect(performance.now() - told).toBeLessThan(4_000);
  expect(await lost).toBe('ECONNRESET');
  await session.exec('rollback');
});

it.each([
  ['LOOKUP_POSTGRES_URL', ''],
  ['LOOKUP_ISSUERS_FILE', ''],
  ['LOOKUP_PHOTO_KEYS_FILE', ''],
])('says that %s is missing', async (name, value) => {
  const built = await startBuilt(['serve'], { ...env, [name]: value });
  expect((await built.ended).code).toBeGreaterThan(0);
  expect(built.stderr()).toContain(`${name} is not set`);
});
