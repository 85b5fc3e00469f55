// What is typed while the rig runs: one word about one of its processes.

import type { Rig } from './rig.ts';

interface Handled {
  stop(): Promise<unknown>;
  kill9(): Promise<unknown>;
  pause(): void;
  resume(): void;
  start(): Promise<unknown>;
}

const WORDS: Readonly<Record<string, (one: Handled) => unknown>> = {
  stop: (one) => one.stop(),
  kill: (one) => one.kill9(),
  pause: (one) => one.pause(),
  resume: (one) => one.resume(),
  start: (one) => one.start(),
};

export function handled(rig: Rig): ReadonlyMap<string, Handled> {
  const { postgres } = rig;
  return new Map<string, Handled>([
    ...[...rig.services, ...rig.relays].map((one) => [one.name, one] as const),
    ...rig.redis.nodes.map((node, i) => [`redis-${i + 1}`, node] as const),
    ['postgres', { ...postgres, stop: () => postgres.stop('fast') }],
  ]);
}

/** @returns what to say when it is done */
export function byWords(rig: Rig): (line: string) => Promise<string> {
  const all = handled(rig);
  return async (line) => {
    const [word = '', name = '', ...more] = line.split(/\s+/);
    const work = WORDS[word];
    const one = all.get(name);
    if (!work || !one || more.length > 0)
      return `"${line}": type ${Object.keys(WORDS).join(', ')} and one of ${[...all.keys()].join(', ')}`;
    try {
      await work(one);
      return `${name}: ${word} is done`;
    } catch (error) {
      return `${name}: ${word} failed: ${(error as Error).message}`;
    }
  };
}
