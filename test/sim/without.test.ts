// With a rule switched off, a schedule that the whole system passes comes to what must not be.

import { expect, it } from 'vitest';
import { WrongAnswerError } from './judge.ts';
import type { Made } from './made.ts';
import { RACES } from './made-races.ts';
import { OF_SOURCES } from './made-sources.ts';
import { LATE_WRITES } from './made-writes.ts';
import { play } from './play.ts';
import { WITHOUT } from './without.ts';

type Rule = keyof typeof WITHOUT;
const BREAKS: Record<Rule, Made> = { ...RACES, ...LATE_WRITES, ...OF_SOURCES };

it.each(Object.keys(WITHOUT) as Rule[])('%s: without it, an answer is wrong', async (rule) => {
  const { schedule, options } = BREAKS[rule];
  await play(schedule, options);
  const less = play(schedule, { ...options, parts: WITHOUT[rule] });
  await expect(less).rejects.toThrow(WrongAnswerError);
});
