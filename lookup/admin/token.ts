import type { Subject } from '../health-code.ts';
import { CommandError, type Output } from './output.ts';

export interface TokenOptions {
  readonly subject: Subject;
  readonly audience: 'lookup-http' | 'lookup-gate';
  /** Unless told: twelve hours for a phone, as long as may be for a gate. */
  readonly lifetimeS: number | undefined;
}

/** What the edge knows of tokens, handed in. */
export interface Mint {
  /** A gate refuses tokens that are valid for longer. */
  readonly gateLifetimeMaxS: number;
  /** @throws when the issuers file does not allow it */
  mint(lifetimeS: number, nowMs: number): string;
}

const LIFETIME_S = 12 * 3_600;

/** `lookup token`: a token as a front end's back end would make it, alone on standard output. */
export function token(options: TokenOptions, mint: Mint, nowMs: number, output: Output): void {
  const { subject, audience } = options;
  const isGate = audience === 'lookup-gate';
  const lifetimeS = options.lifetimeS ?? (isGate ? mint.gateLifetimeMaxS : LIFETIME_S);
  if (isGate && lifetimeS > mint.gateLifetimeMaxS)
    throw new CommandError(
      `--lifetime: a gate accepts tokens of at most ${mint.gateLifetimeMaxS}s, this is ${lifetimeS}s`,
      2,
    );
  const made = mint.mint(lifetimeS, nowMs);
  const expiresAt = new Date((Math.floor(nowMs / 1_000) + lifetimeS) * 1_000).toISOString();
  output.line(made);
  output.note(`${audience}, valid until ${expiresAt}`);
  output.json({ token: made, subject, audience, expires_at: expiresAt });
}
