// The rig as a program: shows every log with a name in front, takes words about its processes, and ends all of it on
// Ctrl-C, on failure and when it is killed itself.

import { createInterface } from 'node:readline';
import { endAllKept } from '../../test/keeper.ts';
import { byWords } from './hands.ts';
import { pressed } from './pressed.ts';
import { type Rig, startRig } from './rig.ts';
import { whatToTry } from './try.ts';

/** As run.mjs has checked them. */
interface MainOptions {
  readonly services: number;
  readonly relays: number;
  readonly masters: number;
  readonly replicas: number;
  readonly people: number;
  readonly 'first-port': number | undefined;
}

export async function main(options: MainOptions): Promise<void> {
  let rig: Rig | undefined;
  let isEnding = false;
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const end = pressed(
    async () => {
      isEnding = true;
      say('Ending all …');
      await rig?.stop();
      await endAllKept();
      process.exit(0);
    },
    () => void endAllKept().then(() => process.exit(130)),
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.stdout.on('error', end);
  try {
    rig = await startRig({ ...rigOptions(options), onLine: shown(say, () => rig !== undefined) });
    for (const line of whatToTry(rig)) say(line);
    const told = byWords(rig);
    // Not as a terminal of its own: Ctrl-C stays a signal.
    createInterface({ input: process.stdin, terminal: false }).on('line', async (line) => {
      if (line.trim() !== '') say(await told(line.trim()));
    });
  } catch (error) {
    if (isEnding) return;
    say(`rig        it could not be started: ${(error as Error).message}`);
    await endAllKept();
    process.exit(1);
  }
}

function rigOptions(options: MainOptions) {
  const { services, relays, masters, replicas, people, 'first-port': firstPort } = options;
  return {
    ...{ services, relays, people },
    redis: { masters, replicas },
    ...(firstPort !== undefined && { firstPort }),
  };
}

/** What the servers say while they start is shown only in the error, if there is one. */
function shown(say: (line: string) => void, isUp: () => boolean) {
  return (name: string, line: string) => {
    if (isUp() || !/^(redis|postgres)/.test(name)) say(`${name.padEnd(10)} ${line}`);
  };
}
