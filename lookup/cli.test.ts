// The built program, as an operator runs it: its words, what it refuses, and how it ends. Beside a
// running process: cli-running.test.ts.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, runJson } from '../test/commands.ts';
import { freshDatabase } from '../test/database.ts';
import { freePort } from '../test/postgres-server.ts';
import { ROOT, startBuilt } from '../test/process.ts';
import { idOf, Writer } from '../test/service.ts';
import { until } from '../test/wait.ts';
import { demoKeys } from './demo/keys.ts';
import { demoPerson } from './demo/people.ts';
import { openPostgresSession } from './source/postgres.ts';

let dir: string;
/** No source is here. */
let empty: string;
let keys: Awaited<ReturnType<typeof demoKeys>>;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lookup-cli-'));
  empty = join(dir, 'empty');
  keys = await demoKeys(empty);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const here: typeof run = (args, env = {}) => run(args, { LOOKUP_DATA_DIR: empty, ...env });

const SUBJECT = demoPerson(0).subject;
const COMMANDS = [
  ...['demo', 'serve', 'migrate', 'set-color', 'set-area', 'set-photo', 'get', 'erase'],
  ...['import', 'import-areas', 'token', 'config', 'status', 'warm', 'explain', 'verify'],
];

describe('the words', () => {
  test('help names every command, and each has its own', async () => {
    const { code, stdout } = await here(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Exit codes: 0 done; 1 a fault; 2 wrong usage');
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    for (const command of COMMANDS) {
      const own = await here([command, '--help']);
      expect(own).toMatchObject({ code: 0, stderr: '' });
      expect(own.stdout).toMatch(new RegExp(`^Usage: lookup ${command}`));
    }
  });

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(await here(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test.each([
    [[], 'Usage: lookup'],
    [['set-colr'], '(Did you mean set-color?)'],
    [['get', '--jsn', SUBJECT], '(Did you mean --json?)'],
    [['set-color', SUBJECT], "missing required argument 'color'"],
    [['set-color', SUBJECT, 'orange'], 'Allowed choices are green, yellow, red.'],
    [['get', SUBJECT, SUBJECT], 'too many arguments'],
    [['get', 'Li Hua'], '"Li Hua": a subject is 22 characters of base64url'],
    [['set-area', 'north', 'red'], '"north": an area is a whole number'],
    [['set-photo', SUBJECT], 'which photo?'],
    [['demo', '--page-port', '65536'], '"65536": a port is a whole number'],
    [['token', '--subject', SUBJECT], '--issuers <file>'],
    [['import', 'people.csv', '--rate', '0'], '"0": a count is a whole number'],
    [['status', '--ops', 'x:y'], '"x:y": an ops address is like'],
  ])('wrong usage is told, on standard error, and ends with 2: %j', async (args, why) => {
    const { code, stdout, stderr } = await here(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
    expect(stderr).not.toContain('    at ');
  });
});

describe('settings', () => {
  const wrong = { LOOKUP_HTTP_PORT: 'eighty', LOOKUP_STALE_AFTR_MS: '1' };

  test('every problem has its line, for each command that needs them', async () => {
    for (const args of [['serve'], ['demo'], ['get', SUBJECT], ['config']]) {
      const { code, stderr } = await here(args, wrong);
      expect({ args, code, lines: stderr.trim().split('\n') }).toEqual({
        args,
        code: 2,
        lines: [
          'error: LOOKUP_HTTP_PORT=eighty: must be a whole number from 0 to 65535',
          expect.stringContaining('did you mean LOOKUP_STALE_AFTER_MS?'),
        ],
      });
    }
  });

  test('serve says what it lacks, and refuses the keys of the demo', async () => {
    const bare = await here(['serve']);
    expect(bare.code).toBe(2);
    expect(bare.stderr).toContain('error: LOOKUP_ISSUERS_FILE is not set');
    const demo = await here(['serve'], { LOOKUP_ISSUERS_FILE: keys.issuersFile });
    expect(demo.code).toBe(2);
    expect(demo.stderr).toContain('these are demo keys, which are refused here');
  });

  test('config is one object for a program', async () => {
    const { settings, problems } = await runJson(['config']);
    expect(problems).toEqual([]);
    expect(settings[0]).toMatchObject({ name: 'LOOKUP_HTTP_HOST', value: '127.0.0.1' });
  });
});

describe('what is not there', () => {
  test('a command without a source says so', async () => {
    const { code, stderr } = await here(['get', SUBJECT]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: there is no source: LOOKUP_POSTGRES_URL is not set/);
  });

  test('a source that cannot be reached is one line, and a stack only when asked for', async () => {
    const env = { LOOKUP_POSTGRES_URL: `postgres://127.0.0.1:${await freePort()}/city` };
    const { code, stderr } = await here(['get', SUBJECT], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: PostgreSQL at .* cannot be reached: .*ECONNREFUSED.*\n$/);
    const debug = await here(['get', SUBJECT], { ...env, LOOKUP_LOG_LEVEL: 'debug' });
    expect(debug.stderr).toContain('    at ');
  });

  test('status says who does not answer, and ends with 1', async () => {
    const { code, stdout, stderr } = await here([
      'status',
      '--ops',
      `127.0.0.1:${await freePort()}`,
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain('not there: no answer (ECONNREFUSED)');
    expect(stderr).toContain('name others with --ops');
  });
});

describe('token', () => {
  const mint = (...more: string[]) =>
    here(['token', '--issuer', 'city', '--subject', SUBJECT, ...more], {
      LOOKUP_ISSUERS_FILE: keys.issuersFile,
    });

  test('is alone on standard output', async () => {
    const { code, stdout, stderr } = await mint();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(stderr).toMatch(/^lookup-http, valid until \d{4}-/);
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ sub: SUBJECT, aud: 'lookup-http' });
    expect(claims.exp - claims.iat).toBe(12 * 3_600);
  });

  test('for a gate is short-lived, or refused', async () => {
    const { code, stderr } = await mint('--audience', 'lookup-gate', '--lifetime', '121s');
    expect(code).toBe(2);
    expect(stderr).toContain('a gate accepts tokens of at most 120s, this is 121s');
    const { stdout } = await mint('--audience', 'lookup-gate');
    const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
    expect(claims.exp - claims.iat).toBe(120);
  });

  test('of an issuer that is not in the file is refused, with those that are', async () => {
    const { code, stderr } = await mint('--issuer', 'nobody');
    expect(code).toBe(2);
    expect(stderr).toBe('error: no issuer "nobody": there are wechat, alipay, city\n');
  });
});

describe('a command that is ended', () => {
  test('leaves nothing behind: no change, no connection', async () => {
    const { url, drop } = await freshDatabase();
    const holder = await openPostgresSession(url);
    const watcher = await openPostgresSession(url);
    try {
      const { ran } = await runJson(['migrate'], { LOOKUP_POSTGRES_URL: url });
      expect(ran[0]).toBe('0001_schema.sql');
      await new Writer(holder).person(1, 'green');
      const waiting = () =>
        watcher.query<{ state: string }>(
          `select wait_event_type as state from pg_stat_activity
            where query like 'select person.%' and pid <> pg_backend_pid() and datname = current_database()`,
        );
      await holder.transaction(async () => {
        await holder.query('select 1 from person for update');
        const command = await startBuilt(['set-color', idOf(1), 'red'], {
          LOOKUP_POSTGRES_URL: url,
        });
        await command.until(
          async () => (await waiting()).some(({ state }) => state === 'Lock'),
          'it waits for the person',
        );
        expect(await command.stop('SIGINT')).toBe(130);
        expect(command.stderr()).toContain(
          'error: interrupted: what was not committed is not done',
        );
      });
      await until(async () => (await waiting()).length === 0, { what: 'its connection is gone' });
      const [person] = await holder.query('select color::text as color from person');
      expect(person).toEqual({ color: 'green' });
    } finally {
      await holder.close();
      await watcher.close();
      await drop();
    }
  });
});
