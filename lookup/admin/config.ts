import {
  ConfigError,
  envName,
  inspectConfig,
  SETTINGS,
  type SettingName,
  unitOf,
} from '../config.ts';
import type { Output } from './output.ts';

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly default: string | number | null;
  /** As it will be used; as it was written, when it is wrong. A secret's is hidden. */
  readonly value: string | number | null;
  readonly isSet: boolean;
  readonly meaning: string;
}

const HIDDEN = '(hidden)';

/**
 * `lookup config`: every setting, as this environment has it.
 * @throws ConfigError after all is printed, when something is wrong with it
 */
export function config(env: Record<string, string | undefined>, output: Output): void {
  const { values, problems } = inspectConfig(env);
  const rows = (Object.keys(SETTINGS) as SettingName[]).map((name): Row => {
    const setting = SETTINGS[name];
    const variable = envName(name);
    const isSecret = setting.kind === 'secret';
    const isSet = Boolean(env[variable] || (isSecret && env[`${variable}_FILE`]));
    const value = isSecret && isSet ? HIDDEN : (values[name] ?? env[variable] ?? null);
    const fallback = setting.default ?? null;
    const meaning = isSecret
      ? `${setting.meaning}; or ${variable}_FILE, a file that holds it`
      : setting.meaning;
    return { name: variable, unit: unitOf(name), default: fallback, value, isSet, meaning };
  });
  for (const line of table(rows)) output.line(line);
  output.json({
    settings: rows.map(({ isSet, ...row }) => ({ ...row, set: isSet })),
    problems,
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

const written = (value: string | number | null, unit: string) =>
  value === null ? 'not set' : unit === '' || unit === 'count' ? `${value}` : `${value} ${unit}`;

function table(rows: readonly Row[]): string[] {
  const cells = rows.map(({ name, unit, default: fallback, value, isSet, meaning }) => [
    `${isSet ? '*' : ' '} ${name}`,
    written(value, unit),
    isSet ? `(${written(fallback, unit)})` : '',
    meaning,
  ]);
  cells.unshift(['  NAME', 'VALUE', '(DEFAULT)', 'MEANING']);
  const widths = [0, 1, 2].map((i) => Math.max(...cells.map((cell) => cell[i]?.length ?? 0)));
  return [
    ...cells.map((cell) => cell.map((text, i) => text.padEnd(widths[i] ?? 0)).join('  ')),
    '',
    '* set in this environment; the others have their default.',
  ];
}
