// What a run has measured, by name: told at the end as a table or as JSON, a missed target as missed.

export interface Target {
  readonly most?: number;
  readonly least?: number;
}

interface Figure {
  readonly value: number;
  /** Least and greatest of the rounds. */
  readonly spread?: readonly [number, number];
  readonly target?: Target;
}

export const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);

export const median = (values: readonly number[]) =>
  sorted(values)[Math.floor(values.length / 2)] as number;

/** @param share 0.99: the least value that 99 in 100 do not exceed */
export const quantile = (values: readonly number[], share: number) =>
  sorted(values)[Math.max(0, Math.ceil(values.length * share) - 1)] as number;

export const spread = (values: readonly number[]) =>
  `${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)}`;

const short = (value: number) => `${Math.round(value * 1_000) / 1_000}`;

export class Figures {
  readonly #figures = new Map<string, Figure>();
  readonly #words = new Map<string, string | number>();

  /** @param values of each round: told as median and spread */
  add(name: string, values: number | readonly number[], target?: Target): void {
    const all = typeof values === 'number' ? [values] : values;
    const figure: Figure = { value: median(all), ...(target ? { target } : {}) };
    const range = [Math.min(...all), Math.max(...all)] as const;
    this.#figures.set(name, all.length > 1 ? { ...figure, spread: range } : figure);
  }

  /** What belongs to the run: its size, and what it ran on. */
  note(name: string, value: string | number): void {
    this.#words.set(name, value);
  }

  get missed(): string[] {
    return [...this.#figures].filter(([, figure]) => isMissed(figure)).map(([name]) => name);
  }

  json(): string {
    const figures = [...this.#figures];
    return JSON.stringify({
      ...Object.fromEntries(figures.map(([name, { value }]) => [name, value])),
      ...Object.fromEntries(this.#words),
      spread: Object.fromEntries(
        figures.filter(([, one]) => one.spread).map(([name, one]) => [name, one.spread]),
      ),
      missed: this.missed,
    });
  }

  print(say: (line: string) => void): void {
    say('');
    for (const [name, figure] of this.#figures) {
      const range = figure.spread ? `${figure.spread.map(short).join('-')}` : '';
      const line = `${name.padEnd(38)} ${short(figure.value).padStart(12)}  ${range.padEnd(20)}`;
      say(`${line} ${verdictOf(figure)}`.trimEnd());
    }
    for (const [name, value] of this.#words)
      say(`${name.padEnd(38)} ${String(value).padStart(12)}`);
  }
}

/** What is not a number was not measured, and meets no target. */
function isMissed({ value, target }: Figure): boolean {
  if (!target) return false;
  return !(value <= (target.most ?? Infinity) && value >= (target.least ?? -Infinity));
}

function verdictOf(figure: Figure): string {
  const { target } = figure;
  if (!target) return '';
  const { most, least } = target;
  const asked = most === undefined ? `at least ${least}` : `at most ${most}`;
  return `${isMissed(figure) ? 'MISSED' : 'met'}: ${asked}`;
}
