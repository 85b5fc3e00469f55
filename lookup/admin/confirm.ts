import { CommandError, type Output } from './output.ts';

/** A command that changes the color of more of all people than this asks again. */
export const ASK_ABOVE_SHARE = 0.05;

/**
 * Asks, unless `--yes` has answered already.
 * @throws CommandError (3) when the answer is no, or nobody is there to be asked
 */
export async function confirm(
  output: Output,
  question: string,
  options: { readonly yes: boolean },
): Promise<void> {
  if (options.yes || (await output.ask(question))) return;
  throw new CommandError('not confirmed: nothing was changed ("--yes" answers for a script)', 3);
}

/** 1234567 -> "1,234,567" */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** @returns how much of all that is: "3.2 %" */
export function shareOf(part: number, all: number): string {
  const percent = all === 0 ? 0 : (100 * part) / all;
  return `${percent.toFixed(percent > 0 && percent < 10 ? 1 : 0)} %`;
}
