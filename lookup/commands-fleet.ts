// The commands about Redis and the processes that run.

import type { Command } from 'commander';
import { parseCount, parseSubject } from './admin/arguments.ts';
import { warm } from './admin/warm.ts';
import { addCommand, onSource, type Spoken } from './commands.ts';

export function addFleetCommands(program: Command): void {
  addCommand(program, 'warm', 'fill Redis from the source, beside live changes')
    .option('--after <subject>', 'go on after this person, where another run ended', parseSubject)
    .option('--rate <people>', 'at most so many a second', parseCount)
    .action(({ after, rate: ratePerS, ...options }: WarmWords) =>
      onSource(
        options,
        async ({ session, output, config, signal }) => {
          const { withRequiredRedis } = await import('./redis-session.ts');
          const { fenceMs } = config;
          await withRequiredRedis(config, 'lookup warm', (nodes) =>
            warm(session, nodes, { after, ratePerS, fenceMs, signal }, output),
          );
        },
        { endsItself: true },
      ),
    );
}

interface WarmWords extends Spoken {
  readonly after?: string;
  readonly rate?: number;
}
