// What the operators' commands have in common on the command line: --json, a source to work on, the same few words.

import { Argument, type Command, Option } from 'commander';
import { parseArea, parseOpsList, parseSeconds, parseSubject } from './admin/arguments.ts';
import type { Output } from './admin/output.ts';
import { terminalOutput } from './admin/terminal.ts';
import { WAIT_MS, type WaitFor } from './admin/wait.ts';
import { type Config, readConfig } from './config.ts';
import type { SqlSession } from './source/sql.ts';

/** What every one of them takes. */
export interface Spoken {
  readonly json?: true;
}

/** What those take that write. */
export interface Waiting extends Spoken {
  /** Seconds; true: as long as it is usual. */
  readonly wait?: number | true;
  readonly ops?: readonly string[];
}

export const addWaitOptions = (command: Command) =>
  command
    .option(
      '--wait [seconds]',
      `return when every process shows it; ${WAIT_MS / 1_000} s at most, unless told`,
      parseSeconds,
    )
    .option(
      '--ops <address...>',
      'ops ports to wait for besides those of processes that are registered in Redis',
      parseOpsList,
    );

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
  /** `--wait` */
  readonly wait: WaitFor | undefined;
}

/** As `withSession` takes them. */
export interface SourceOptions {
  readonly anySchema?: boolean;
  readonly onlyRunning?: boolean;
  readonly endsItself?: boolean;
}

/** @throws ConfigError, and all that `withSession` does */
export async function onSource<T>(
  spoken: Waiting,
  work: (at: AtSource) => Promise<T>,
  options: SourceOptions = {},
): Promise<T> {
  const output = outputOf(spoken);
  const config = readConfig(process.env);
  // Not before it is needed: it brings the drivers.
  const { withSession } = await import('./sessions.ts');
  const say = (where: string) => output.note(`On ${where}.`);
  const run = (wait: WaitFor | undefined) =>
    withSession({ config, say, ...options }, (session, signal) =>
      work({ session, output, config, signal, wait }),
    );
  if (spoken.wait === undefined) return run(undefined);
  const { withWait } = await import('./fleet-session.ts');
  const withinMs = spoken.wait === true ? WAIT_MS : spoken.wait * 1_000;
  return withWait(config, { ops: spoken.ops ?? [], withinMs }, run);
}

export const SUBJECT = new Argument('<subject>', 'a person: 22 characters of base64url').argParser(
  parseSubject,
);
export const COLOR = new Argument('<color>').choices(['green', 'yellow', 'red']);
export const AREA = new Argument('<area>', "an area's number").argParser(parseArea);
export const DRY_RUN = new Option('--dry-run', 'say what would be done; change nothing');
export const YES = new Option('--yes', 'do not ask');

/** Of the two above. */
export interface Careful extends Waiting {
  readonly dryRun?: true;
  readonly yes?: true;
}

export const carefully = ({ dryRun, yes }: Careful) => ({
  dryRun: dryRun === true,
  yes: yes === true,
});
