// The operators' commands beside a running process: what they set shows on both edges, in time.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Onlookers, run, runJson } from '../test/commands.ts';
import { freshDatabase } from '../test/database.ts';
import { type Built, startBuilt } from '../test/process.ts';
import { idOf, madePhoto, Writer } from '../test/service.ts';
import { until } from '../test/wait.ts';
import { demoKeys } from './demo/keys.ts';
import { demoPerson } from './demo/people.ts';
import { openPostgresSession } from './source/postgres.ts';

const SHOWN_WITHIN_MS = 500;
const FREE_PORTS = { LOOKUP_HTTP_PORT: '0', LOOKUP_GRPC_PORT: '0', LOOKUP_OPS_PORT: '0' };
const made = madePhoto(1);

let dir: string;
let photo: { file: string; id: string };

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lookup-running-'));
  photo = { file: join(dir, 'photo.png'), id: made.id };
  writeFileSync(photo.file, made.bytes);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('beside the demo', () => {
  const SUBJECT = demoPerson(0).subject;
  let env: NodeJS.ProcessEnv;
  let demo: Built;
  let onlookers: Onlookers;
  const printed = (pattern: RegExp) => demo.stdout().match(pattern)?.[1] ?? '';

  beforeAll(async () => {
    env = { LOOKUP_DATA_DIR: join(dir, 'demo') };
    demo = await startBuilt(['demo', '--page-port', '0'], { ...env, ...FREE_PORTS });
    await demo.line(/Ctrl-C ends it/, 80_000);
    const ports = {
      http: Number(printed(/127\.0\.0\.1:(\d+)\/v1\/code/)),
      grpc: Number(printed(/127\.0\.0\.1:(\d+) lookup\.v1/)),
    };
    onlookers = new Onlookers(SUBJECT, ports, printed(/Bearer ([^"]+)/));
  }, 90_000);

  afterAll(async () => {
    onlookers?.close();
    await demo?.stop('SIGKILL');
  });

  test('what is set shows on both edges within 500 ms of its commit', async () => {
    expect(await onlookers.slowestMs(env, 1, photo)).toBeLessThan(SHOWN_WITHIN_MS);
  }, 60_000);

  test('a mark is one that a gate may ask for', async () => {
    const { mark } = await runJson(['set-color', SUBJECT, 'yellow'], env);
    const us = BigInt(Date.parse(mark.as_of)) * 1_000n + BigInt(mark.as_of.slice(-4, -1));
    const asOf = { seconds: Number(us / 1_000_000n), nanos: Number(us % 1_000_000n) * 1_000 };
    const minAsOf = { sourceEpoch: mark.source_epoch, asOf };
    await until(
      async () => {
        const { code, answer } = await onlookers.gate.lookup({ subject: SUBJECT, minAsOf });
        return code === 0 && answer?.outcome === 'found' && answer.color === 2;
      },
      { what: 'the gate answers no older than the mark' },
    );
  });

  test('a district asks first, and without anybody to answer changes nothing', async () => {
    const { code, stdout, stderr } = await run(['set-area', '1', 'red'], env);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain('has 760 of 10,000 people.');
    expect(stderr).toContain('not confirmed: nothing was changed');
    const dry = await runJson(['set-area', '1', 'red', '--dry-run'], env);
    expect(dry).toMatchObject({ changed: false, floor: { before: 'green', after: 'red' } });
    const { areas } = await runJson(['get', SUBJECT], env);
    expect(areas).toMatchObject([{ id: 1, floor: 'green' }]);
  });

  test('a second demo does not take the folder of the first', async () => {
    const { code, stderr } = await run(['demo', '--page-port', '0'], { ...env, ...FREE_PORTS });
    expect(code).toBe(1);
    const inUse = `error: ${env.LOOKUP_DATA_DIR} is in use by process ${demo.pid}: end it, or set`;
    expect(stderr).toBe(`${inUse} LOOKUP_DATA_DIR to another folder\n`);
  });

  test('who and what is not there is refused, with 2', async () => {
    for (const args of [
      ['get', idOf(5)],
      ['set-color', idOf(5), 'red'],
      ['set-area', '99', 'red', '--yes'],
      ['set-photo', idOf(5), '--none'],
      ['erase', idOf(5), '--yes'],
    ]) {
      const { code, stdout, stderr } = await run(args, env);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
      expect(stderr).toContain('no such');
    }
  });

  test('people and areas come from files, with a way back', async () => {
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };
    const areas = file('areas.csv', 'id,name,floor\n17,New Quay,red\n');
    const person = demoPerson(2);
    const people = file('people.csv', `subject,color,areas,photo\n${person.subject},red,17,\n`);
    const undo = join(dir, 'undo.csv');
    expect(await runJson(['import-areas', areas], env)).toMatchObject({ added: 1, changed: true });
    const imported = await runJson(['import', people, '--undo', undo], env);
    expect(imported).toMatchObject({ changed: true, undo: `npx lookup import ${undo}` });
    expect(await runJson(['get', person.subject], env)).toMatchObject({ areas: [{ id: 17 }] });
    await runJson(['import', undo, '--undo', join(dir, 'redo.csv')], env);
    const { color, areas: back } = await runJson(['get', person.subject], env);
    expect([color, back.map(({ id }: { id: number }) => id)]).toEqual([person.color, person.areas]);
    const wrong = file('wrong.csv', `subject,color,areas,photo\n${person.subject},rd,17,\n`);
    const { code, stderr } = await run(['import', wrong], env);
    expect(code).toBe(2);
    expect(stderr).toContain(`${wrong}:2:24: "rd": a color is green, yellow or red`);
  });

  test('a subject may begin with a dash', async () => {
    const { code, stderr } = await run(['get', `-${'A'.repeat(21)}`, '--json'], env);
    expect(code).toBe(2);
    expect(stderr).toContain(`-${'A'.repeat(21)}: there is no such person`);
  });

  test('status shows it ready', async () => {
    const ops = printed(/(http:\S+)\/metrics/);
    const { ok, processes, source } = await runJson(['status', '--ops', ops], env);
    expect(ok).toBe(true);
    expect(processes).toMatchObject([
      { ops, ready: true, answers: { suspect: false, breaker: 'closed' } },
    ]);
    expect(source).toMatchObject({ people: { count: 10_000, exact: true } });
  });

  test('migrate has nothing to do', async () => {
    expect(await runJson(['migrate'], env)).toEqual({ ran: [] });
    expect(await runJson(['migrate', '--dry-run'], env)).toEqual({ pending: [], dry_run: true });
  });

  test('an erased person is gone from both edges', async () => {
    await onlookers.msUntilSeen(['erase', SUBJECT, '--yes'], env, /^(404|absent)$/);
    expect(await runJson(['get', SUBJECT], env)).toMatchObject({ color: null, effective: null });
  });

  test('once it has ended, the commands open its folder themselves', async () => {
    expect(await demo.stop('SIGTERM')).toBe(0);
    const other = demoPerson(1).subject;
    expect(await runJson(['set-color', other, 'red'], env)).toMatchObject({ changed: true });
    const { stdout, stderr } = await run(['get', other], env);
    expect(stdout).toContain('own       red');
    expect(stderr).toBe(`On the embedded source in ${env.LOOKUP_DATA_DIR}.\n`);
  }, 30_000);
});

test('beside "lookup serve" on PostgreSQL, what is set shows on both edges within 500 ms of its commit', async () => {
  const { url, drop } = await freshDatabase();
  const env = { LOOKUP_POSTGRES_URL: url };
  await runJson(['migrate'], env);
  const session = await openPostgresSession(url);
  const writer = new Writer(session);
  await writer.area(1);
  await writer.person(1, 'green', [1]);
  await session.close();

  // Keys of one's own: those of the demo, which serve refuses, without the word that says so.
  const files = await demoKeys(join(dir, 'keys'));
  for (const file of Object.values(files)) {
    const { demo: _, ...content } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(content));
  }
  const keys = {
    LOOKUP_ISSUERS_FILE: files.issuersFile,
    LOOKUP_PHOTO_KEYS_FILE: files.photoKeysFile,
  };
  const serve = await startBuilt(['serve'], { ...env, ...keys, ...FREE_PORTS });
  const { token } = await runJson(['token', '--issuer', 'wechat', '--subject', idOf(1)], keys);
  const find = (msg: string) => serve.json().find((line) => line.msg === msg);
  const ports = await serve.until(() => find('listening'), 'it listens');
  await serve.until(() => find('ready'), 'it is ready');
  const onlookers = new Onlookers(idOf(1), ports as { http: number; grpc: number }, token);
  try {
    expect(await onlookers.slowestMs(env, 1, photo)).toBeLessThan(SHOWN_WITHIN_MS);
  } finally {
    onlookers.close();
    expect(await serve.stop('SIGKILL')).toBeNull();
    await drop();
  }
}, 60_000);
