import type { Figures } from './figures.ts';

/** One run, as its parts see it. */
export interface Bench {
  /** A few seconds each, on fewer people. */
  readonly short: boolean;
  /** Of the whole system. */
  readonly cityPeople: number;
  /** The run's own folder, removed at its end. */
  readonly dir: string;
  readonly figures: Figures;
  say(line: string): void;
  /** Whether what has this name is to be measured. */
  wants(name: string): boolean;
}
