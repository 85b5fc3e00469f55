// How a command speaks: what others may read (standard output), what a person reads (standard error), and how it ends.

/** A command's voice. Handed in, so that a command can be tested without a terminal. */
export interface Output {
  /** `--json`: one object on standard output, and no line. */
  readonly asJson: boolean;
  /** A line of the answer, on standard output; nothing with `--json`. */
  line(text: string): void;
  /** The whole answer as one object; nothing without `--json`. */
  json(value: unknown): void;
  /** A remark for a person, on standard error. */
  note(text: string): void;
  /**
   * Asks a person.
   * @returns false when nobody is there to be asked (standard input or error is no terminal)
   */
  ask(question: string): Promise<boolean>;
  /** A bar with the time left, on a terminal; elsewhere a line every ten seconds. @param total 0: not known */
  progress(what: string, total: number): Progress;
}

export interface Progress {
  /** @param done how far, in the unit of `total` */
  update(done: number): void;
  stop(): void;
}

/**
 * Exit codes: 0 done; 1 a fault (of ours, or of what we stand on); 2 wrong usage, settings or input: nothing was
 * changed; 3 the question was answered "no": nothing was changed; 4 done in part: what is left is said.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** Ends a command with a message for the person and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: Exclude<ExitCode, 0>;

  constructor(message: string, exitCode: Exclude<ExitCode, 0>) {
    super(message);
    this.exitCode = exitCode;
  }
}
