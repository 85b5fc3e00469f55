// What is wrong with a file, each with its place: all of it is told, up to a limit, and then nothing is changed.

import { grouped } from './confirm.ts';
import { CommandError, type Output } from './output.ts';

/** `--errors-max`, unless told. */
export const ERRORS_MAX = 100;

export interface Fault {
  /** From 1 on, as `column`, which counts characters (of UTF-16). */
  readonly line: number;
  readonly column: number;
  readonly what: string;
}

/** The first ones of a search, and how many it has in all. */
export interface FoundFaults {
  readonly faults: readonly Fault[];
  readonly count: number;
}

/** Keeps the first ones of each search, so that the first of all are among them; counts the rest. */
export class Faults {
  readonly #max: number;
  readonly #kept: Fault[] = [];
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** As a search finds them: its later ones are further down in the file. */
  add(line: number, column: number, what: string): void {
    if (this.#count++ < this.#max) this.#kept.push({ line, column, what });
  }

  addAll({ faults, count }: FoundFaults): void {
    this.#kept.push(...faults.slice(0, this.#max));
    this.#count += count;
  }

  /**
   * Says them, if there are any.
   * @throws CommandError (2) then
   */
  report(output: Output, name: string): void {
    if (this.#count === 0) return;
    const said = this.#kept
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .slice(0, this.#max);
    for (const { line, column, what } of said) output.note(`${name}:${line}:${column}: ${what}`);
    const more = this.#count - said.length;
    if (more > 0) output.note(`and ${grouped(more)} more`);
    output.json({
      changed: false,
      error_count: this.#count,
      errors: said.map(({ what, ...place }) => ({ ...place, message: what })),
    });
    const errors = this.#count === 1 ? '1 error' : `${grouped(this.#count)} errors`;
    throw new CommandError(`${name} has ${errors}: nothing was changed`, 2);
  }
}

/** A file's text in a message: short, and harmless to a terminal. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
