// What a run left, as it is stored and drawn: the runner writes it, the page reads it. Imports nothing.

export interface Result {
  readonly format: 1;
  readonly scenario: string;
  /** What the scenario asks, as its script opens with it. */
  readonly question: string;
  readonly scale: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Of the load. */
  readonly seconds: number;
  /** Of the checkout, short; `changed`: it had changes that are in no commit. */
  readonly commit: string;
  readonly changed: boolean;
  /** Name -> value, as shown: processor, cores, memory, versions. */
  readonly machine: Readonly<Record<string, string>>;
  /** Name -> value: people, rate, processes, limits. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Every budget held. */
  readonly ok: boolean;
  readonly budgets: readonly Budget[];
  readonly figures: readonly Figure[];
  readonly plots: readonly Plot[];
  /** Stretches of the run, as bands on every plot; seconds from its beginning. */
  readonly phases: readonly Phase[];
  /** First lines of what went wrong, as the script says it, and last ones of the processes where one ended. */
  readonly said?: readonly string[];
}

export interface Budget {
  /** As k6 or the runner calls it: `wrong`, `source_queries_per_s`. */
  readonly name: string;
  /** `at most 500/s`, `none`. */
  readonly asked: string;
  readonly found: string;
  readonly ok: boolean;
  /** What it means when it is broken, and what to do then: a sentence. */
  readonly meaning: string;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** `ms`, `/s`, `%`, `MB` or empty. */
  readonly unit: string;
  /** Which way is better; none: neither, it describes the run. */
  readonly better?: 'less' | 'more';
}

export interface Plot {
  readonly title: string;
  /** Of the y axis. */
  readonly unit: string;
  /** Seconds from the run's beginning, ascending: one for each value. */
  readonly at: readonly number[];
  readonly series: readonly Series[];
  /** A budget, drawn as a line. */
  readonly limit?: { readonly label: string; readonly value: number };
  readonly logarithmic?: boolean;
}

export interface Series {
  readonly label: string;
  /** null: nothing was measured then. */
  readonly values: readonly (number | null)[];
}

export interface Phase {
  readonly name: string;
  readonly fromS: number;
  readonly toS: number;
}
