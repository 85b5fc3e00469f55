// Who does what, for each first opening: of k6's scenarios, and of the arithmetic of a fleet. Imports nothing.

export interface Shares {
  /** Openings again. */
  readonly reopen: number;
  /** Questions of gates, one call each. */
  readonly gate: number;
  /** Questions of gates on streams. */
  readonly line: number;
}

/** Of those who opened, whom a gate asks about. */
export const GATES = 0.5;

/** @param gates as {@link GATES}; two in five of their questions are calls of their own */
export const sharesOf = (gates: number): Shares => ({
  reopen: 0.3,
  gate: gates * 0.4,
  line: gates * 0.6,
});

export const SHARES = sharesOf(GATES);

/** Of all, to each first opening. */
export const questionsOf = ({ reopen, gate, line }: Shares): number => 1 + reopen + gate + line;
