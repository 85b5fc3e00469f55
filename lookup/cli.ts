#!/usr/bin/env node
// What is typed after "lookup", and how it ends. The words of the operators' commands are in commands-*.ts, what they
// do is in admin/.

import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { guardSubjects, parsePort } from './admin/arguments.ts';
import { endingOf } from './admin/ending.ts';
import { addFleetCommands } from './commands-fleet.ts';
import { addImportCommands } from './commands-import.ts';
import { addPeopleCommands } from './commands-people.ts';
import { addToolCommands } from './commands-tools.ts';

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

addFleetCommands(program);
addImportCommands(program);
addPeopleCommands(program);
addToolCommands(program);

async function main(): Promise<number> {
  // Whoever reads our output may have seen enough: "lookup config | head".
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : 1),
  );
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
