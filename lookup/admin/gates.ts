import type { SourceMs, Subject } from '../health-code.ts';
import type { Registered } from '../redis/processes.ts';
import type { GivenAnswer } from './differences.ts';

/** A running process, as a gate asks it. */
export interface Gate {
  readonly name: string;
  /** host:port */
  readonly address: string;
  /** One answer for each question, in their order. Throws when it does not answer them all. */
  ask(questions: readonly GateQuestion[]): Promise<readonly GivenAnswer[]>;
  close(): void;
}

export interface GateQuestion {
  readonly subject: Subject;
  /** An answer no older than this. */
  readonly mark?: { readonly epoch: string; readonly asOf: SourceMs };
}

/** Connects to a gRPC port, when it is first asked. */
export type OpenGate = (address: string) => Pick<Gate, 'ask' | 'close'>;

/**
 * Those who say that they answer, and others by their address; each once.
 * @param addresses host:port
 */
export function gatesOf(
  registered: readonly Registered[],
  addresses: readonly string[],
  open: OpenGate,
): Gate[] {
  const names = new Map<string, string>();
  for (const { name, grpc } of registered) if (grpc !== undefined) names.set(grpc, name);
  for (const address of addresses) if (!names.has(address)) names.set(address, address);
  return [...names].map(([address, name]) => ({ name, address, ...open(address) }));
}
