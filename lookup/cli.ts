#!/usr/bin/env node
// What is typed after "lookup": its words, their help, and how it ends. Each command itself is in admin/.

import { readFileSync } from 'node:fs';
import { Argument, Command, CommanderError, Option } from 'commander';
import {
  guardSubjects,
  opsOf,
  parseArea,
  parseLifetime,
  parseOpsList,
  parsePhotoId,
  parsePort,
  parseSubject,
} from './admin/arguments.ts';
import { config as showConfig } from './admin/config.ts';
import { endingOf } from './admin/ending.ts';
import { erase } from './admin/erase.ts';
import { get } from './admin/get.ts';
import { migrate } from './admin/migrate.ts';
import type { Output } from './admin/output.ts';
import { setArea } from './admin/set-area.ts';
import { setColor } from './admin/set-color.ts';
import { newPhotoOf, setPhoto } from './admin/set-photo.ts';
import { status } from './admin/status.ts';
import { terminalOutput } from './admin/terminal.ts';
import { token } from './admin/token.ts';
import { type Config, readConfig } from './config.ts';
import type { ColorName } from './health-code.ts';
import type { SqlSession } from './source/sql.ts';

const EPILOG = `
Settings are environment variables: "lookup config" shows them all. What reads or writes people uses
LOOKUP_POSTGRES_URL; without it, the embedded source in LOOKUP_DATA_DIR, also while the demo runs on it.

Exit codes: 0 done; 1 a fault; 2 wrong usage, settings or input: nothing was changed; 3 not confirmed: nothing
was changed; 4 done in part: what is left is said.`;

const { env } = process;
const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

const program = new Command('lookup')
  .description("What is this person's code color and photo?")
  .version(version)
  .exitOverride()
  .showHelpAfterError('("lookup help COMMAND" says more)')
  .addHelpText('after', EPILOG);

/** What every operators' command takes. */
interface Spoken {
  readonly json?: true;
}

const command = (name: string, description: string) =>
  program
    .command(name)
    .description(description)
    .option('--json', 'the answer as one object on standard output');

const outputOf = ({ json }: Spoken) => terminalOutput(json === true);

interface AtSource {
  readonly session: SqlSession;
  readonly output: Output;
  readonly config: Config;
  /** Aborts when the person at the terminal ends it. */
  readonly signal: AbortSignal;
}

async function onSource(
  spoken: Spoken,
  work: (at: AtSource) => Promise<void>,
  options: { readonly anySchema?: boolean; readonly endsItself?: boolean } = {},
): Promise<void> {
  const output = outputOf(spoken);
  const config = readConfig(env);
  const { withSession } = await import('./sessions.ts');
  const say = (where: string) => output.note(`On ${where}.`);
  await withSession({ config, say, ...options }, (session, signal) =>
    work({ session, output, config, signal }),
  );
}

const SUBJECT = new Argument('<subject>', 'a person: 22 characters of base64url').argParser(
  parseSubject,
);
const COLOR = new Argument('<color>').choices(['green', 'yellow', 'red']);
const AREA = new Argument('<area>', "an area's number").argParser(parseArea);
const DRY_RUN = new Option('--dry-run', 'say what would be done; change nothing');
const YES = new Option('--yes', 'do not ask');

program
  .command('demo')
  .description('everything in one process, with made people and a page ("npm start" runs it)')
  .option('--page-port <port>', 'port of the page; 0 takes a free one', parsePort, 8088)
  .action(async (options: { pagePort: number }) => {
    const { demo } = await import('./demo-main.ts');
    await demo(env, options, (line) => console.log(line));
  });

program
  .command('serve')
  .description('answer phones over HTTP and gates over gRPC, from PostgreSQL')
  .addOption(
    new Option('--role <role>', 'answer (lookup), carry changes into Redis (relay), or both (all)')
      .choices(['lookup', 'relay', 'all'])
      .default('lookup'),
  )
  .action(async (options: { role: 'lookup' | 'relay' | 'all' }) => {
    const { serve } = await import('./main.ts');
    await serve(env, options);
  });

command('migrate', 'bring the schema to what this version needs')
  .addOption(DRY_RUN)
  .action((options: Spoken & { dryRun?: true }) =>
    onSource(
      options,
      ({ session, output }) => migrate(session, { dryRun: options.dryRun === true }, output),
      { anySchema: true },
    ),
  );

command('set-color', "set a person's own color")
  .addArgument(SUBJECT)
  .addArgument(COLOR)
  .action((subject: string, color: ColorName, options: Spoken) =>
    onSource(options, ({ session, output }) => setColor(session, { subject, color }, output)),
  );

command('set-area', 'set the floor of an area: the least color of everyone tied to it')
  .addArgument(AREA)
  .addArgument(COLOR)
  .addOption(DRY_RUN)
  .addOption(YES)
  .action((area: number, color: ColorName, options: Spoken & { dryRun?: true; yes?: true }) =>
    onSource(options, ({ session, output }) =>
      setArea(
        session,
        { area, color, yes: options.yes === true, dryRun: options.dryRun === true },
        output,
      ),
    ),
  );

command('set-photo', "set a person's photo")
  .addArgument(SUBJECT)
  .argument('[file]', 'JPEG, PNG or WebP of at most 200,000 bytes')
  .option('--id <photo>', 'one that the source has already, by its id', parsePhotoId)
  .option('--none', 'no photo')
  .action(
    (subject: string, file: string | undefined, options: Spoken & { id?: string; none?: true }) => {
      const photo = newPhotoOf(file, options);
      return onSource(options, ({ session, output }) =>
        setPhoto(session, { subject, photo }, output),
      );
    },
  );

command('get', 'show what the source has of a person')
  .addArgument(SUBJECT)
  .action((subject: string, options: Spoken) =>
    onSource(options, ({ session, output }) => get(session, { subject }, output)),
  );

command('erase', 'erase people, and their photos when nobody else has them')
  .argument('<subject...>', 'who', (text: string, before: string[] = []) => [
    ...before,
    parseSubject(text),
  ])
  .addOption(YES)
  .action((subjects: string[], options: Spoken & { yes?: true }) =>
    onSource(options, ({ session, output, config: { outboxRetentionMs } }) =>
      erase(session, { subjects, yes: options.yes === true, outboxRetentionMs }, output),
    ),
  );

interface TokenWords extends Spoken {
  readonly issuers: string;
  readonly issuer: string;
  readonly kid?: string;
  readonly subject: string;
  readonly audience: 'lookup-http' | 'lookup-gate';
  readonly lifetime?: number;
}

command('token', 'mint a token, as the back end of a front end does')
  .addOption(
    new Option('--issuers <file>', 'the issuers file, with the secret half of the key')
      .env('LOOKUP_ISSUERS_FILE')
      .makeOptionMandatory(),
  )
  .requiredOption('--issuer <name>', 'which of its issuers: name or URL')
  .option('--kid <kid>', "which of the issuer's keys; the first, unless told")
  .requiredOption('--subject <subject>', 'for whom', parseSubject)
  .addOption(
    new Option('--audience <door>', 'for which door')
      .choices(['lookup-http', 'lookup-gate'])
      .default('lookup-http'),
  )
  .option(
    '--lifetime <time>',
    '90s, 15m, 12h, 7d; 12h unless told, at a gate 120s, which is the most there',
    parseLifetime,
  )
  .action(async ({ issuers, issuer, kid, lifetime, ...words }: TokenWords) => {
    const { readIssuers } = await import('./edge/issuers.ts');
    const { mintToken } = await import('./edge/mint.ts');
    const { GATE_LIFETIME_MAX_MS } = await import('./edge/tokens.ts');
    const keys = readIssuers(issuers, { allowDemo: true });
    const mint = {
      gateLifetimeMaxS: GATE_LIFETIME_MAX_MS / 1_000,
      mint: (lifetimeS: number, nowMs: number) =>
        mintToken(keys, { issuer, ...(kid ? { kid } : {}), ...words, lifetimeS, nowMs }),
    };
    token({ ...words, lifetimeS: lifetime }, mint, Date.now(), outputOf(words));
  });

command('config', 'show every setting: name, value, unit, default and meaning').action(
  (options: Spoken) => showConfig(env, outputOf(options)),
);

command('status', 'show how running processes and the source are')
  .option(
    '--ops <address...>',
    'ops ports to ask; unless told, the one of these settings',
    parseOpsList,
  )
  .action(async (options: Spoken & { ops?: string[] }) => {
    const output = outputOf(options);
    const config = readConfig(env);
    const { withSession } = await import('./sessions.ts');
    const say = (where: string) => output.note(`On ${where}.`);
    await status(
      { ops: options.ops ?? [opsOf(config)], intervalMs: 1_000 },
      (read) => withSession({ config, say, anySchema: true, onlyRunning: true }, read),
      output,
    );
  });

async function main(): Promise<number> {
  // Whoever reads our output may have seen enough: "lookup config | head".
  process.stdout.on('error', () => process.exit(0));
  try {
    await program.parseAsync(guardSubjects(process.argv.slice(2)), { from: 'user' });
    return 0;
  } catch (error) {
    // commander has said it.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { code, lines } = endingOf(error, { debug: env.LOOKUP_LOG_LEVEL === 'debug' });
    for (const line of lines) console.error(line);
    return code;
  }
}

process.exit(await main());
