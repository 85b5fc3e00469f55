import { describe, expect, test } from 'vitest';
import { keptOutput } from '../../test/output.ts';
import { ConfigError, envName, SETTINGS, type SettingName } from '../config.ts';
import { config } from './config.ts';

const PASSWORD = 'hunter-two';

describe('lookup config', () => {
  test('shows every setting with unit, default, value and meaning', () => {
    const output = keptOutput({ asJson: true });
    config({ LOOKUP_STALE_AFTER_MS: '1500' }, output);
    const { settings, problems } = output.value as {
      settings: Record<string, unknown>[];
      problems: unknown[];
    };
    expect(problems).toEqual([]);
    expect(settings.map(({ name }) => name)).toEqual(
      (Object.keys(SETTINGS) as SettingName[]).map(envName),
    );
    expect(settings.find(({ name }) => name === 'LOOKUP_STALE_AFTER_MS')).toEqual({
      name: 'LOOKUP_STALE_AFTER_MS',
      unit: 'ms',
      default: 2_000,
      value: 1_500,
      meaning: SETTINGS.staleAfterMs.meaning,
      set: true,
    });
  });

  test('has a line for each, with a star where something is set', () => {
    const output = keptOutput();
    config({ LOOKUP_STALE_AFTER_MS: '1500' }, output);
    const lineOf = (name: string) => output.lines.find((line) => line.includes(` ${name} `));
    expect(lineOf('LOOKUP_STALE_AFTER_MS')).toMatch(
      /^\* LOOKUP_STALE_AFTER_MS +1500 ms +\(2000 ms\) +an answer older/,
    );
    expect(lineOf('LOOKUP_GRACE_MS')).toMatch(/^ {2}LOOKUP_GRACE_MS +3600000 ms {2,}an answer/);
    expect(lineOf('LOOKUP_POSTGRES_URL')).toMatch(/ not set .*LOOKUP_POSTGRES_URL_FILE/);
  });

  test.each([[{ asJson: true }], [{ asJson: false }]])('hides what is secret (%j)', (how) => {
    const output = keptOutput(how);
    config({ LOOKUP_POSTGRES_URL: `postgres://u:${PASSWORD}@db/x` }, output);
    const all = output.lines.join('\n') + (how.asJson ? JSON.stringify(output.value) : '');
    expect(all).toContain('(hidden)');
    expect(all).not.toContain(PASSWORD);
  });

  test('shows all of it when some is wrong, as it was written, and then says what', () => {
    const output = keptOutput({ asJson: true });
    const env = { LOOKUP_HTTP_PORT: 'eighty', LOOKUP_STALE_AFTR_MS: '1', LOOKUP_GRPC_PORT: '9091' };
    let thrown: unknown;
    try {
      config(env, output);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect((thrown as ConfigError).problems).toEqual([
      'LOOKUP_HTTP_PORT=eighty: must be a whole number from 0 to 65535',
      expect.stringContaining('did you mean LOOKUP_STALE_AFTER_MS?'),
    ]);
    const { settings, problems } = output.value as {
      settings: { name: string; value: unknown }[];
      problems: unknown[];
    };
    expect(problems).toEqual((thrown as ConfigError).problems);
    const shownOf = (name: string) => settings.find((row) => row.name === name)?.value;
    expect([shownOf('LOOKUP_HTTP_PORT'), shownOf('LOOKUP_GRPC_PORT')]).toEqual(['eighty', 9_091]);
  });
});
