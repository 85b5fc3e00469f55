import { describe, expect, it } from 'vitest';
import { readingFile } from '../test/issuers.ts';
import {
  ConfigError,
  configWith,
  envName,
  readConfig,
  SETTINGS,
  type SettingName,
} from './config.ts';

/** What is wrong with this environment; empty when nothing is. */
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

describe('the defaults', () => {
  it('stand by themselves', () => {
    expect(problemsOf({})).toEqual([]);
    expect(readConfig({})).toMatchObject({
      httpPort: 8080,
      staleAfterMs: 2_000,
      graceMs: 3_600_000,
    });
  });

  it('cannot be changed by who reads them', () => {
    expect(() => Object.assign(readConfig({}), { httpPort: 1 })).toThrow(TypeError);
    expect(() => Object.assign(configWith({ httpPort: 0 }), { httpPort: 1 })).toThrow(TypeError);
  });

  it('are within what is allowed, say their unit in their name, and have a meaning', () => {
    for (const name of NAMES) {
      const setting = SETTINGS[name];
      expect(setting.meaning.length).toBeGreaterThan(10);
      expect([name, name.endsWith('Ms')]).toEqual([name, setting.kind === 'ms']);
      expect([name, /Bytes(Max)?$/.test(name)]).toEqual([name, setting.kind === 'bytes']);
      if (!('min' in setting)) continue;
      expect(setting.default).toBeGreaterThanOrEqual(setting.min);
      expect(setting.default).toBeLessThanOrEqual(setting.max);
    }
  });

  it('have each a variable of their own, in the same words', () => {
    const variables = NAMES.map(envName);
    expect(new Set(variables).size).toBe(NAMES.length);
    expect(variables).toContain('LOOKUP_SOURCE_TIMEOUT_HARD_MS');
    for (const variable of variables) expect(variable).toMatch(/^LOOKUP(_[A-Z0-9]+)+$/);
  });
});

describe('a value', () => {
  it('is taken as it is written, and empty means the default', () => {
    const env = {
      LOOKUP_HTTP_PORT: '0',
      LOOKUP_LOG_LEVEL: 'warn',
      LOOKUP_GRPC_PORT: '',
      OTHER: 'x',
    };
    expect(readConfig(env)).toMatchObject({ httpPort: 0, logLevel: 'warn', grpcPort: 9090 });
  });

  it.each([
    ['LOOKUP_HTTP_PORT', '65536', 'a whole number from 0 to 65535'],
    ['LOOKUP_HTTP_PORT', '-1', 'a whole number from 0 to 65535'],
    ['LOOKUP_HTTP_PORT', '0x50', 'a whole number from 0 to 65535'],
    ['LOOKUP_HTTP_PORT', ' 80', 'a whole number from 0 to 65535'],
    ['LOOKUP_STALE_AFTER_MS', '2s', 'a whole number from 100 to 604800000 (milliseconds)'],
    ['LOOKUP_STALE_AFTER_MS', '2000.5', 'a whole number from 100 to 604800000 (milliseconds)'],
    ['LOOKUP_STALE_AFTER_MS', '99', 'a whole number from 100 to 604800000 (milliseconds)'],
    ['LOOKUP_MEMORY_RECORDS_MAX', '8300001', 'a whole number from 1 to 8300000'],
    ['LOOKUP_MEMORY_RECORDS_MAX', '1e6', 'a whole number from 1 to 8300000'],
    ['LOOKUP_LOG_LEVEL', 'verbose', 'one of debug, info, warn, error, silent'],
  ])('%s=%s is refused with what is allowed', (name, value, allowed) => {
    expect(problemsOf({ [name]: value })).toEqual([`${name}=${value}: must be ${allowed}`]);
  });

  it('that is wrong is told with all others that are', () => {
    const problems = problemsOf({
      LOOKUP_HTTP_PORT: 'x',
      LOOKUP_GRPC_PORT: 'y',
      LOOKUP_OPS_PROT: '1',
    });
    expect(problems.length).toBe(3);
    expect(() => readConfig({ LOOKUP_HTTP_PORT: 'x', LOOKUP_GRPC_PORT: 'y' })).toThrow(
      /^LOOKUP_HTTP_PORT=x: .*\nLOOKUP_GRPC_PORT=y: /,
    );
  });
});

describe('a misspelled name', () => {
  it.each([
    ['LOOKUP_HTTP_PROT', 'LOOKUP_HTTP_PORT'],
    ['LOOKUP_STALE_AFTER', 'LOOKUP_STALE_AFTER_MS'],
    ['LOOKUP_POSTGRES_URI', 'LOOKUP_POSTGRES_URL'],
    ['LOOKUP_POSTGRESS_URL_FILE', 'LOOKUP_POSTGRES_URL_FILE'],
  ])('%s is refused, with the one that was meant: %s', (wrong, meant) => {
    expect(problemsOf({ [wrong]: 'x' })).toEqual([
      `${wrong}: no such setting; did you mean ${meant}? (see "lookup config")`,
    ]);
  });

  it('that is like none is refused without a guess', () => {
    expect(problemsOf({ LOOKUP_SOMETHING_ELSE_ALTOGETHER: 'x' })).toEqual([
      'LOOKUP_SOMETHING_ELSE_ALTOGETHER: no such setting (see "lookup config")',
    ]);
  });

  it('says nothing of its value, which may be a secret', () => {
    expect(problemsOf({ LOOKUP_POSTGRES_URLL: 'hunter-two' }).join()).not.toContain('hunter-two');
  });
});

describe('a secret', () => {
  const url = 'postgres://made:hunter-two@db.invalid/lookup';
  const read = (env: Record<string, string>) =>
    readingFile(`${url}\n`, (path) => readConfig({ LOOKUP_POSTGRES_URL_FILE: path, ...env }));

  it('may lie in a file, whose last line may end', () => {
    expect(read({}).postgresUrl).toBe(url);
  });

  it('is refused when it is in both places, without being shown', () => {
    expect(() => read({ LOOKUP_POSTGRES_URL: url })).toThrow(
      /^LOOKUP_POSTGRES_URL and LOOKUP_POSTGRES_URL_FILE are both set: choose one$/,
    );
  });

  it('whose file cannot be read is named', () => {
    expect(problemsOf({ LOOKUP_POSTGRES_URL_FILE: '/nowhere/url' })).toEqual([
      'LOOKUP_POSTGRES_URL_FILE=/nowhere/url: cannot be read (ENOENT)',
    ]);
  });

  it('is the only kind that has a file of its own', () => {
    expect(problemsOf({ LOOKUP_HTTP_PORT_FILE: '/nowhere/port' })[0]).toMatch(
      /^LOOKUP_HTTP_PORT_FILE: no such setting/,
    );
  });
});

describe('a relation', () => {
  it.each([
    ['LOOKUP_SOURCE_TIMEOUT_SOFT_MS', '180', 'LOOKUP_SOURCE_TIMEOUT_HARD_MS=180'],
    ['LOOKUP_SOURCE_TIMEOUT_HARD_MS', '200', 'LOOKUP_DEADLINE_GRPC_MS=200'],
    ['LOOKUP_DEADLINE_HTTP_MS', '180', 'LOOKUP_DEADLINE_HTTP_MS=180'],
    ['LOOKUP_GRACE_MS', '2000', 'LOOKUP_GRACE_MS=2000'],
    ['LOOKUP_FENCE_MS', '2000', 'LOOKUP_FENCE_MS=2000'],
    ['LOOKUP_OUTBOX_RETENTION_MS', '30000', 'LOOKUP_OUTBOX_RETENTION_MS=30000'],
  ])('is broken by %s=%s, and says by what and why', (name, value, against) => {
    const [problem, ...others] = problemsOf({ [name]: value });
    expect(others).toEqual([]);
    expect(problem).toContain(`${name}=${value}`);
    expect(problem).toContain(against);
    expect(problem).toMatch(/ must be less than LOOKUP_\w+=\d+: .{10,}/);
  });

  it('is looked at once every value is right', () => {
    expect(problemsOf({ LOOKUP_GRACE_MS: '2000', LOOKUP_HTTP_PORT: 'x' }).length).toBe(1);
  });
});
