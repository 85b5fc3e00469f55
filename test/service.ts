// The real service on free ports, over a small made source, for tests that ask over the wire.

import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../lookup/clock.ts';
import { type Config, configWith } from '../lookup/config.ts';
import { demoKeys } from '../lookup/demo/keys.ts';
import { photoIdOf } from '../lookup/demo/seed.ts';
import { type Issuers, readIssuers } from '../lookup/edge/issuers.ts';
import { mintToken } from '../lookup/edge/mint.ts';
import type { Audience } from '../lookup/edge/tokens.ts';
import { idToUuid } from '../lookup/health-code.ts';
import type { Log } from '../lookup/log.ts';
import { type PhotoKeys, readPhotoKeys } from '../lookup/photo/address.ts';
import type { RedisNodes } from '../lookup/redis/nodes.ts';
import { type Service, startService } from '../lookup/service.ts';
import { openEmbedded } from '../lookup/source/embedded.ts';
import { migrate } from '../lookup/source/migrate.ts';
import type { Sql, SqlSession, SqlValue, Statement } from '../lookup/source/sql.ts';
import { Gate } from './gate.ts';
import { Contract, type HttpAnswer } from './openapi.ts';
import { until } from './wait.ts';

/** The n-th made person. */
export const idOf = (n: number) =>
  Buffer.from(n.toString(16).padStart(32, '0'), 'hex').toString('base64url');

export interface Photo {
  readonly id: string;
  readonly bytes: Buffer;
}

/** As the source takes it: nobody looks further than its first bytes. */
export function madePhoto(n: number, length = 400): Photo {
  const bytes = Buffer.alloc(length, n);
  Buffer.from('89504e470d0a1a0a', 'hex').copy(bytes);
  return { id: photoIdOf(bytes), bytes };
}

/** What a writer does, in SQL. */
export class Writer {
  readonly session: SqlSession;

  constructor(session: SqlSession) {
    this.session = session;
  }

  person(n: number, color = 'green', areas: readonly number[] = [], photo?: string) {
    return this.session.query(
      `insert into person (subject, color, areas, photo_id) values ($1::uuid, $2::code_color, $3::integer[], $4::uuid)
        on conflict (subject) do update set color = excluded.color, areas = excluded.areas,
          photo_id = excluded.photo_id, erased_at = null`,
      [idToUuid(idOf(n)), color, areas, photo === undefined ? null : idToUuid(photo)],
    );
  }

  /** Persons `first` to `first + count - 1`, all green. */
  people(first: number, count: number, areas: readonly number[] = []) {
    const subjects = Array.from({ length: count }, (_, i) => idToUuid(idOf(first + i)));
    return this.session.query(
      `insert into person (subject, color, areas) select s, 'green', $2::integer[] from unnest($1::uuid[]) as made (s)`,
      [subjects, areas],
    );
  }

  erase(n: number) {
    return this.session.query('update person set erased_at = now() where subject = $1::uuid', [
      idToUuid(idOf(n)),
    ]);
  }

  area(id: number, floor = 'green') {
    return this.session.query(
      `insert into area (id, name, floor) values ($1::integer, 'made', $2::code_color)
        on conflict (id) do update set floor = excluded.floor`,
      [id, floor],
    );
  }

  async photo(photo: Photo) {
    await this.session.query(
      `insert into photo (id, mime, bytes) values ($1::uuid, 'image/png', $2::bytea) on conflict do nothing`,
      [idToUuid(photo.id), photo.bytes],
    );
  }

  /** What a writer gets after its commit, as a question takes it. */
  async mark() {
    const [row] = await this.session.query<{ epoch: string; us: string }>(
      `select source_epoch as epoch, (extract(epoch from as_of) * 1000000)::bigint::text as us from lookup_mark()`,
    );
    const us = Number(row?.us);
    const seconds = Math.floor(us / 1e6);
    return {
      sourceEpoch: row?.epoch ?? '',
      asOf: { seconds, nanos: (us - seconds * 1e6) * 1_000 },
      asOfMs: us / 1_000,
    };
  }
}

/** A door to the source that can be shut. */
export class Switch implements Sql {
  readonly #sql: Sql;
  /** Calls that wait for the source. */
  waiting = 0;
  #how: 'open' | 'refuses' | 'hangs' | 'swallows' | 'empty' = 'open';
  #opened: (() => void)[] = [];

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /**
   * refuses: every call rejects at once. hangs: calls wait, and go on once it opens (a machine that was paused).
   * swallows: calls never end, not even after (a cut cable). empty: as if no row were there.
   */
  set(how: 'open' | 'refuses' | 'hangs' | 'swallows' | 'empty'): void {
    this.#how = how;
    if (how !== 'open') return;
    for (const go of this.#opened.splice(0)) go();
  }

  async query<Row>(
    statement: Statement,
    values: readonly SqlValue[],
    signal?: AbortSignal,
  ): Promise<Row[]> {
    signal?.throwIfAborted();
    if (this.#how === 'refuses') throw new Error('the source refuses');
    if (this.#how === 'empty') return [];
    if (this.#how !== 'open') {
      this.waiting += 1;
      try {
        await new Promise<void>((resolve, reject) => {
          if (this.#how === 'hangs') this.#opened.push(resolve);
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      } finally {
        this.waiting -= 1;
      }
    }
    return this.#sql.query<Row>(statement, values, signal);
  }

  close(): Promise<void> {
    return this.#sql.close();
  }
}

export interface LogLine {
  readonly level: string;
  readonly fields: unknown;
  readonly text: string | undefined;
}

export function keptLog(): { lines: LogLine[]; log: Log } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: unknown, text?: string) =>
    void lines.push({ level, fields, text });
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { lines, log: log as unknown as Log };
}

export interface TokenOptions {
  readonly audience?: Audience;
  readonly lifetimeS?: number;
  readonly issuer?: string;
  readonly kid?: string;
  readonly nowMs?: number;
}

/** Keys of made front ends, and the tokens that they give out. */
export interface Keys {
  readonly issuers: Issuers;
  readonly photoKeys: PhotoKeys;
  token(subject: string, options?: TokenOptions): string;
}

export async function makeKeys(): Promise<Keys> {
  const dir = mkdtempSync(join(tmpdir(), 'lookup-keys-'));
  try {
    const files = await demoKeys(dir);
    const issuers = readIssuers(files.issuersFile, { allowDemo: true });
    return {
      issuers,
      photoKeys: readPhotoKeys(files.photoKeysFile, { allowDemo: true }),
      token: (subject, options = {}) =>
        mintToken(issuers, {
          issuer: 'wechat',
          subject,
          audience: 'lookup-http',
          lifetimeS: 60,
          nowMs: Date.now(),
          ...options,
        }),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const SMALL: Partial<Config> = {
  httpPort: 0,
  grpcPort: 0,
  opsPort: 0,
  memoryRecordsMax: 20_000,
  negativeEntriesMax: 1_000,
  wholeEntriesMax: 1_000,
  tokensMax: 5_000,
  fenceEntriesMax: 100_000,
  // Tests share the machine with much else.
  admissionDelayMs: 60_000,
  admissionStallMs: 60_000,
  // Tests ask again and again until something shows.
  subjectPerS: 100_000,
  subjectBurst: 100_000,
  drainWaitMs: 0,
  drainTimeoutMs: 500,
};

export interface StartOptions {
  readonly config?: Partial<Config>;
  readonly clock?: Clock;
  /** In place of the embedded source. */
  readonly sql?: Readonly<Record<'lookups' | 'feed' | 'photos', Sql>>;
  readonly redis?: RedisNodes;
}

export interface Running {
  readonly service: Service;
  readonly gate: Gate;
  /** The embedded source's three doors; those that were handed in are not here. */
  readonly doors: Readonly<Record<'lookups' | 'feed' | 'photos', Switch>>;
  readonly log: readonly LogLine[];
  /** Validated against the contract. */
  get(path: string, headers?: Record<string, string>, method?: string): Promise<HttpAnswer>;
  code(token: string): Promise<HttpAnswer & { json: Record<string, unknown> }>;
  /** A value of the ops port's /metrics, by its line's beginning: `name{labels}`. */
  metric(line: string): Promise<number>;
  stop(): Promise<void>;
}

export interface World extends Keys {
  readonly writer: Writer;
  start(options?: StartOptions): Promise<Running>;
  /** Drains what is still running. */
  close(): Promise<void>;
}

export const contract = new Contract();

/** One made source and its keys; services on it are started and drained one by one. */
export async function openWorld(): Promise<World> {
  const embedded = await openEmbedded();
  const keys = await makeKeys();
  await migrate(embedded.session());
  const running = new Set<Running>();
  return {
    ...keys,
    writer: new Writer(embedded.session()),
    async start(options = {}) {
      const doors = {
        lookups: new Switch(embedded.sql),
        feed: new Switch(embedded.sql),
        photos: new Switch(embedded.sql),
      };
      const started = await startRunning(keys, doors, options);
      running.add(started);
      return started;
    },
    async close() {
      await Promise.all([...running].map((one) => one.stop()));
      await embedded.close();
    },
  };
}

export async function startRunning(
  keys: Keys,
  doors: Running['doors'],
  options: StartOptions,
): Promise<Running> {
  const { lines, log } = keptLog();
  const service = await startService({
    config: configWith({ ...SMALL, ...options.config }),
    sql: options.sql ?? doors,
    issuers: keys.issuers,
    photoKeys: keys.photoKeys,
    clock: options.clock ?? systemClock,
    log,
    ...(options.redis ? { redis: options.redis } : {}),
  });
  const gate = new Gate(service.grpcPort);
  const agent = new Agent({ keepAlive: true });
  const get: Running['get'] = async (path, headers = {}, method = 'GET') => {
    const answer = await ask(service.httpPort, { path, headers, method, agent });
    contract.check(answer);
    return answer;
  };
  let stopping: Promise<void> | undefined;
  return {
    service,
    gate,
    doors,
    log: lines,
    get,
    async code(token) {
      const answer = await get('/v1/code', { authorization: `Bearer ${token}` });
      return { ...answer, json: JSON.parse(answer.body.toString()) };
    },
    async metric(line) {
      const { body } = await ask(service.opsPort, { path: '/metrics', method: 'GET', agent });
      const found = body
        .toString()
        .split('\n')
        .find((text) => text.startsWith(`${line} `));
      if (found === undefined) throw new Error(`no metric ${line}`);
      return Number(found.slice(line.length + 1));
    },
    stop() {
      stopping ??= (async () => {
        gate.close();
        agent.destroy();
        await service.drain();
      })();
      return stopping;
    },
  };
}

export interface Asked {
  readonly path: string;
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
}

/** One HTTP request of an ordinary client. */
export function ask(port: number, asked: Asked): Promise<HttpAnswer> {
  const { path, method } = asked;
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, ...asked }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const headers = response.headers as Record<string, string>;
        const body = Buffer.concat(chunks);
        resolve({ method, path, status: response.statusCode ?? 0, headers, body });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** How long until the condition holds, measured; waits at most five seconds. */
export async function msUntil(what: string, condition: () => boolean | Promise<boolean>) {
  const begun = performance.now();
  await until(condition, { what, everyMs: 2 });
  return performance.now() - begun;
}
