// The commands about tokens, settings, the schema and running processes.

import { type Command, Option } from 'commander';
import { parseLifetime, parseSubject } from './admin/arguments.ts';
import { config } from './admin/config.ts';
import { migrate } from './admin/migrate.ts';
import { token } from './admin/token.ts';
import {
  addCommand,
  type Careful,
  carefully,
  DRY_RUN,
  onSource,
  outputOf,
  type Spoken,
} from './commands.ts';

export function addToolCommands(program: Command): void {
  addCommand(program, 'migrate', 'bring the schema to what this version needs')
    .addOption(DRY_RUN)
    .option('--roles', 'make roles for readers, relays and writers, each with what it needs')
    .action((options: Careful & { roles?: true }) =>
      onSource(
        options,
        ({ session, output }) => {
          const roles = options.roles === true;
          return migrate(session, { ...carefully(options), roles }, output);
        },
        { anySchema: true },
      ),
    );

  addTokenCommand(program);

  addCommand(
    program,
    'config',
    'show every setting: name, value, unit, default and meaning',
  ).action((options: Spoken) => config(process.env, outputOf(options)));
}

interface TokenWords extends Spoken {
  readonly issuers: string;
  readonly issuer: string;
  readonly kid?: string;
  readonly subject: string;
  readonly audience: 'lookup-http' | 'lookup-gate';
  readonly lifetime?: number;
}

function addTokenCommand(program: Command): void {
  addCommand(program, 'token', 'mint a token, as the back end of a front end does')
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
}
