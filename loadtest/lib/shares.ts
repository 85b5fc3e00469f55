// Who does what, for each first opening: of k6's scenarios, and of the arithmetic of a fleet. Imports nothing.

export interface Shares {
  /** Openings again. */
  readonly reopen: number;
  /** Questions of gates, one call each. */
  readonly gate: number;
  /** Questions of gates on streams. */
  readonly line: number;
}

export const SHARES: Shares = { reopen: 0.3, gate: 0.2, line: 0.3 };

/** Of all, to each first opening. */
export const questionsOf = ({ reopen, gate, line }: Shares): number => 1 + reopen + gate + line;
