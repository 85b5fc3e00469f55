import { join } from 'node:path';
import { keep } from '../../test/keeper.ts';
import { endedOrKilled } from './ended.ts';
import { ROOT } from './root.ts';
import { withoutOurs } from './served.ts';

export interface CommandEnded {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `lookup WORDS…` of the built program. @param signal ends it before its time */
export async function runCommand(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<CommandEnded> {
  const printed = { stdout: '', stderr: '' };
  const kept = await keep({
    command: process.execPath,
    args: [join(ROOT, 'dist/lookup/cli.js'), ...words],
    cwd: ROOT,
    env: { ...withoutOurs(process.env), ...env },
    onOutput: (stream, text) => {
      printed[stream] += text;
    },
  });
  const { code } = await endedOrKilled(kept.ended, () => kept.kill('SIGTERM'), signal);
  return { code, ...printed };
}
