// The style that can be executed: who may import whom, one library - one file, dead files, leftovers.

import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  brokenRanks,
  deadFiles,
  type Files,
  insiders,
  leftovers,
  type Rank,
  readFiles,
  strayLibraries,
} from '../test/tidy.ts';

/** A file imports only from ranks below it. The first row that fits is a file's own. */
const RANKS: readonly Rank[] = [
  { rank: 8, files: /^((cli|commands.*|demo-main)\.ts|bench\/)/, own: true },
  { rank: 7, files: /^main\.ts/ },
  { rank: 6.5, files: /^fleet-session\.ts/ },
  { rank: 6, files: /^(service|sessions|redis-session)\.ts/ },
  { rank: 5.5, files: /^(with-redis|relay-service)\.ts/ },
  // An edge knows no caching words: `source.ts` is types, and of the guards it may have the deadline.
  {
    rank: 5,
    files: /^edge\//,
    own: true,
    never: /^(layers\/(?!bounded-map)|source\/(?!source\.ts)|feed\/|guards\/(?!timeout))/,
  },
  { rank: 5, files: /^(life|admin|demo)\//, own: true },
  {
    rank: 4,
    files: /^lookup\.ts/,
    never: /^(layers\/(?!(layer|remembered)\.ts)|source\/(?!source\.ts))/,
  },
  {
    rank: 3,
    files:
      /^(guards\/guarded.*|source\/(embedded-door|roles)|feed\/(following|relay|sweep|warm))\.ts/,
  },
  // What remembers, carries or reads never knows another of its kind.
  { rank: 2, files: /^layers\/(memory|redis)\.ts/ },
  { rank: 2, files: /^(feed\/(outbox|redis-stream)|redis\/cluster)\.ts/ },
  // What the feed is made of: statements, messages, what is held.
  {
    rank: 1.5,
    files: /^feed\/(outbox-sql|lease|message|node-writer|held|timed-source|followed-source)\.ts/,
    own: true,
  },
  { rank: 2, files: /^source\/(postgres|embedded|migrate|sql-source)\.ts/ },
  { rank: 2, files: /^photo\//, own: true },
  { rank: 0.5, files: /^(redis\/|layers\/record-codec\.ts)/, own: true },
  { rank: 1, files: /^(layers|feed|source|guards)\//, own: true },
  { rank: 1, files: /^metrics\.ts/ },
  { rank: 0, files: /^(health-code|clock|log|config)\.ts/ },
];

const HOMES: Readonly<Record<string, RegExp>> = {
  'uws-current': /^(edge\/uws|bench\/.*)\.ts/,
  'uws-node20': /^(edge\/uws|bench\/.*)\.ts/,
  '@grpc/grpc-js': /^(edge\/grpc.*|bench\/.*)\.ts/,
  '@grpc/proto-loader': /^edge\/grpc-reflection\.ts/,
  '@grpc/reflection': /^edge\/grpc-reflection\.ts/,
  'grpc-health-check': /^edge\/grpc\.ts/,
  protobufjs: /^(edge\/wire|bench\/.*)\.ts/,
  'fast-jwt': /^(edge\/(tokens|mint)|bench\/load)\.ts/,
  'lru-cache': /^layers\/(memory|bounded-map)\.ts/,
  pg: /^source\/postgres\.ts/,
  'pg-copy-streams': /^source\/postgres\.ts/,
  '@electric-sql/pglite': /^source\/embedded\.ts/,
  ioredis: /^redis\/cluster\.ts/,
  cockatiel: /^guards\/guarded.*\.ts/,
  'prom-client': /^(edge\/ops|metrics)\.ts/,
  pino: /^log\.ts/,
  commander: /^(cli|commands.*)\.ts/,
  'cli-progress': /^admin\/.*\.ts/,
  'csv-parse': /^admin\/.*\.ts/,
  qrcode: /^demo\/qr\.ts/,
  jsqr: /^demo\/page-files\.ts/,
  autocannon: /^bench\/.*\.ts/,
};

const ROOTS =
  /^lookup\/((cli|main|bench\/(main|load-http|load-grpc|load-lines))\.ts|build\.mjs|README\.md)$|\.test\.ts$/;
const LINE_MAX = 120;

const root = fileURLToPath(new URL('..', import.meta.url));
const GENERATED = /^proto\/lookup\/v1\/lookup\.(js|d\.ts)$/;
const files = readFiles(root, ['lookup', 'test', 'loadtest', 'proto', '.ci'], GENERATED);

test('a file imports only from ranks below it', () => {
  expect(brokenRanks(files, RANKS)).toEqual([]);
});

test('each library is known to one place', () => {
  expect(strayLibraries(files, HOMES)).toEqual([]);
});

test('what sees it from outside imports nothing of it', () => {
  expect(insiders(files, /^(loadtest|chaos)\//)).toEqual([]);
});

test('no file is dead', () => {
  expect(deadFiles(files, ROOTS)).toEqual([]);
});

test('nothing is left over, and no line is too long', () => {
  expect(leftovers(files, LINE_MAX)).toEqual([]);
});

const one = (path: string, text: string): Files => new Map([[path, text]]);
const ranks = (path: string, target: string) =>
  brokenRanks(one(path, `import { a } from '${target}';`), RANKS);

describe('and each rule can be broken', () => {
  test.each([
    ['lookup/edge/http.ts', '../layers/memory.ts', 'must never'],
    ['lookup/edge/grpc.ts', '../guards/budget.ts', 'must never'],
    ['lookup/lookup.ts', './source/postgres.ts', 'must never'],
    ['lookup/layers/memory.ts', './redis.ts', 'rank 2'],
    ['lookup/source/postgres.ts', '../feed/outbox.ts', 'rank 2'],
    ['lookup/health-code.ts', './clock.ts', 'rank 0'],
    ['lookup/demo/seed.ts', '../service.ts', 'rank 6'],
    ['lookup/life/drain.ts', '../admin/import.ts', 'rank 5'],
    ['lookup/main.ts', '../test/wait.ts', 'not part'],
    ['lookup/new/thing.ts', '../clock.ts', 'no rank'],
  ])('%s may not import %s', (path, target, why) => {
    expect(ranks(path, target)).toEqual([expect.stringContaining(why)]);
  });

  test('but what the table allows is allowed', () => {
    expect(ranks('lookup/edge/http.ts', './status.ts')).toEqual([]);
    expect(ranks('lookup/service.ts', './layers/memory.ts')).toEqual([]);
    expect(ranks('lookup/edge/wire.ts', '../../proto/lookup/v1/lookup.js')).toEqual([]);
  });
});
