// What the operators' commands have in common on the command line: --json, a source to work on, the same few words.

import { Argument, type Command, Option } from 'commander';
import { parseArea, parseSubject } from './admin/arguments.ts';
import type { Output } from './admin/output.ts';
import { terminalOutput } from './admin/terminal.ts';
import { type Config, readConfig } from './config.ts';
import type { SqlSession } from './source/sql.ts';

/** What every one of them takes. */
export interface Spoken {
  readonly json?: true;
}

export function addCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--json', 'the answer as one object on standard output');
}

export const outputOf = ({ json }: Spoken) => terminalOutput(json === true);

/** What a command has in hand once its source is open. */
export interface AtSource {
  readonly session: SqlSession;
  readonly output: Output;
  readonly config: Config;
  /** Aborts when the person at the terminal ends it. */
  readonly signal: AbortSignal;
}

/** As `withSession` takes them. */
export interface SourceOptions {
  readonly anySchema?: boolean;
  readonly onlyRunning?: boolean;
  readonly endsItself?: boolean;
}

/** @throws ConfigError, and all that `withSession` does */
export async function onSource<T>(
  spoken: Spoken,
  work: (at: AtSource) => Promise<T>,
  options: SourceOptions = {},
): Promise<T> {
  const output = outputOf(spoken);
  const config = readConfig(process.env);
  // Not before it is needed: it brings the drivers.
  const { withSession } = await import('./sessions.ts');
  const say = (where: string) => output.note(`On ${where}.`);
  return withSession({ config, say, ...options }, (session, signal) =>
    work({ session, output, config, signal }),
  );
}

export const SUBJECT = new Argument('<subject>', 'a person: 22 characters of base64url').argParser(
  parseSubject,
);
export const COLOR = new Argument('<color>').choices(['green', 'yellow', 'red']);
export const AREA = new Argument('<area>', "an area's number").argParser(parseArea);
export const DRY_RUN = new Option('--dry-run', 'say what would be done; change nothing');
export const YES = new Option('--yes', 'do not ask');

/** Of the two above. */
export interface Careful extends Spoken {
  readonly dryRun?: true;
  readonly yes?: true;
}

export const carefully = ({ dryRun, yes }: Careful) => ({
  dryRun: dryRun === true,
  yes: yes === true,
});
