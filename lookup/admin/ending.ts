import { CommandError } from './output.ts';

/** What a person is told when a command does not end well, and its exit code. */
export interface Ending {
  readonly code: number;
  readonly lines: readonly string[];
}

/** Settings or the files that they name are at fault, by the names of the errors that say so. */
const SETTINGS = new Set([
  'ConfigError',
  'IssuersError',
  'MigrationError',
  'NotConfiguredError',
  'NotLoopbackError',
  'PhotoKeysError',
  'RedisUrlError',
]);

/** @param debug whether to tell where in the code it came from */
export function endingOf(error: unknown, options: { readonly debug: boolean }): Ending {
  const { name, message, stack, problems } = asError(error);
  const lines = (problems ?? (message || name).split('\n')).map((line) => `error: ${line}`);
  if (options.debug && stack) lines.push(stack);
  if (name === 'InterruptedError') return { code: 130, lines };
  if (error instanceof CommandError) return { code: error.exitCode, lines };
  return { code: SETTINGS.has(name) ? 2 : 1, lines };
}

function asError(error: unknown): Error & { problems?: readonly string[] } {
  if (!(error instanceof Error)) return new Error(String(error));
  const { errors } = error as { errors?: Error[] };
  // Several tries that failed each in its own way, and no message for them all.
  if (error.message === '' && errors?.length)
    return new Error(errors.map(({ message }) => message).join('; '), { cause: error });
  return error;
}
