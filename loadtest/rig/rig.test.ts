// The rig itself: it brings the system up, answers on both doors, and leaves nothing.

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookup } from '../../proto/lookup/v1/lookup.js';
import { runs } from '../../test/runs.ts';
import { until } from '../../test/wait.ts';
import { handled } from './hands.ts';
import { subjectOf } from './people.ts';
import { type Rig, startRig } from './rig.ts';
import { whatToTry } from './try.ts';

const PEOPLE = 500;
const { LookupRequest, LookupResponse, Color } = lookup.v1;
const lines: string[] = [];
let rig: Rig;

beforeAll(async () => {
  rig = await startRig({
    ...{ services: 1, relays: 1, people: PEOPLE },
    redis: { replicas: 0 },
    onLine: (name, line) => lines.push(`${name} ${line}`),
  });
}, 60_000);
afterAll(() => rig?.stop());

const service = () => {
  const [one] = rig.services;
  if (!one) throw new Error('no service');
  return one;
};

async function phone(n: number) {
  const answer = await fetch(`http://127.0.0.1:${service().ports.http}/v1/code`, {
    headers: { authorization: `Bearer ${rig.keys.token(subjectOf(n))}` },
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, string> };
}

function gate(n: number): Promise<lookup.v1.LookupResponse> {
  const client = new Client(`127.0.0.1:${service().ports.grpc}`, credentials.createInsecure());
  const request = LookupRequest.encode({ question: { subject: subjectOf(n) } }).finish();
  return new Promise<lookup.v1.LookupResponse>((resolve, reject) => {
    client.makeUnaryRequest(
      '/lookup.v1.LookupService/Lookup',
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes) => LookupResponse.decode(bytes),
      request,
      { deadline: Date.now() + 2_000 },
      (error, answer) => (answer ? resolve(answer) : reject(error)),
    );
  }).finally(() => client.close());
}

test('phones and gates are answered, with a photo', async () => {
  const { status, json } = await phone(0);
  expect([status, json.color]).toEqual([200, 'green']);
  const photo = await fetch(`http://127.0.0.1:${service().ports.http}${json.photo}`);
  expect((await photo.arrayBuffer()).byteLength).toBeGreaterThan(10_000);
  expect((await phone(99)).json.color).toBe('red');
  expect((await phone(PEOPLE)).status).toBe(404);
  expect((await gate(97)).answer?.found?.color).toBe(Color.COLOR_YELLOW);
  expect((await gate(PEOPLE)).answer?.absent).toBeTruthy();
});

test('an operator recolors, and it shows by way of relay and Redis', async () => {
  const said = await rig.command(['set-color', subjectOf(1), 'red']);
  expect([said.code, said.stderr]).toEqual([0, expect.any(String)]);
  await until(async () => (await phone(1)).json.color === 'red', { what: 'it shows' });
  expect((await rig.relays[0]?.metrics())?.get('lookup_relay_leads')).toBe(1);
  const sizes = await Promise.all(rig.redis.nodes.map((node) => node.ask('DBSIZE')));
  expect(sizes.every((size) => Number(size) > 0)).toBe(true);
  expect((await rig.command(['no-such-command'])).code).toBe(2);
});

test('the people are as their numbers say', async () => {
  const client = new pg.Client({ connectionString: rig.postgres.url });
  await client.connect();
  const { rows } = await client.query(`select count(*)::integer as people,
    count(distinct photo_id)::integer as photos, max(cardinality(areas)) as areas,
    count(*) filter (where areas[1] = areas[2])::integer as twice from person`);
  await client.end();
  expect(rows).toEqual([{ people: PEOPLE, photos: 64, areas: 2, twice: 0 }]);
});

test('each process can be killed, paused and started again, at the same place', async () => {
  const one = service();
  const { pid, ports } = one;
  await one.kill9();
  expect([one.runs(), runs(pid)]).toEqual([false, false]);
  await expect(phone(0)).rejects.toThrow();
  await one.start();
  await one.ready();
  expect(one.ports).toEqual(ports);
  expect(one.pid).not.toBe(pid);
  expect((await phone(0)).status).toBe(200);
  expect(one.lines()).toContain('ended (SIGKILL)');

  one.pause();
  const late = await Promise.race([
    phone(0),
    new Promise((resolve) => setTimeout(resolve, 300, 'late')),
  ]);
  expect(late).toBe('late');
  expect(one.runs()).toBe(false);
  one.resume();
  await until(async () => (await phone(0)).status === 200, { what: 'it goes on' });

  expect(one.died).toBe(false);
  process.kill(one.pid, 'SIGKILL');
  await until(() => !one.runs(), { what: 'it dies' });
  await one.start();
  await one.ready();
  expect([one.runs(), one.died]).toEqual([true, true]);
  expect(await one.stop()).toBe(0);
  await one.start();
  await one.ready();

  const [postgres, redis] = ['postgres', 'redis-1'].map((name) => handled(rig).get(name));
  await postgres?.stop();
  await redis?.kill9();
  await Promise.all([postgres?.start(), redis?.start()]);
  await rig.redis.waitOk();
  expect((await phone(0)).status).toBe(200);
}, 60_000);

test('what it says to try names every process, and every line has a name in front', () => {
  const text = whatToTry(rig).join('\n');
  for (const name of ['service-1', 'relay-1', 'redis-3']) expect(text).toContain(`  ${name} `);
  expect(text).toContain(rig.postgres.url);
  const names = new Set(lines.map((line) => line.split(' ')[0]));
  const all = ['rig', 'postgres', 'redis-1', 'redis-2', 'redis-3', 'relay-1', 'service-1'];
  expect([...names].sort()).toEqual(all.sort());
});

test('nothing is left when it is stopped', async () => {
  const everyone = [...rig.services, ...rig.relays, ...rig.redis.nodes];
  const pids = everyone.map(({ pid }) => pid);
  const folders = [dirname(rig.postgres.dataDir), dirname(rig.keys.issuersFile)];
  expect([pids.every(runs), folders.every((dir) => existsSync(dir))]).toEqual([true, true]);
  await rig.stop();
  expect([pids.some(runs), folders.some((dir) => existsSync(dir))]).toEqual([false, false]);
});

test('a service that cannot start fails the rig, with its words, and nothing is left', async () => {
  const redis = { masters: 1, replicas: 0 };
  const env = { LOOKUP_STALE_AFTER_MS: 'soon' };
  let text = '';
  const onLine = (name: string, line: string) => {
    text += `${name} ${line}\n`;
  };
  await expect(startRig({ services: 1, relays: 0, redis, env, onLine })).rejects.toThrow(
    /LOOKUP_STALE_AFTER_MS=soon/,
  );
  const [, folder = ''] = /^postgres .*Unix socket "(.*)\/\.s\.PGSQL/m.exec(text) ?? [];
  const pids = [/^redis-1 (\d+):/m, /^postgres .* \[(\d+)\] LOG: {2}starting/m].map((pattern) =>
    Number(pattern.exec(text)?.[1]),
  );
  expect([folder === '', ...pids.map(Number.isNaN)]).toEqual([false, false, false]);
  expect([existsSync(folder), ...pids.map(runs)]).toEqual([false, false, false]);
}, 60_000);
