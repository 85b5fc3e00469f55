// What an operators' command has of a running system: Redis, and a gate to each process.

import { type Gate, gatesOf, type OpenGate } from './admin/gates.ts';
import { CommandError } from './admin/output.ts';
import { type WaitFor, waitFor } from './admin/wait.ts';
import { GateClient, markOf } from './edge/grpc-client.ts';
import type { RedisNodes } from './redis/nodes.ts';
import { listProcesses, type Registered } from './redis/processes.ts';
import { type RedisConfig, withRedisNodes, withRequiredRedis } from './redis-session.ts';

export interface Fleet {
  readonly nodes: RedisNodes | undefined;
  /** Why Redis is not there although it is set, or who is registered there cannot be read. */
  readonly trouble: string | undefined;
  readonly gates: readonly Gate[];
}

const LIST_TIMEOUT_MS = 1_000;

/** Opens Redis if it is set, and tells why it is not there if it is set and not there; closes it however that ends. */
export async function withRedisOrTrouble<T>(
  config: RedisConfig,
  work: (nodes: RedisNodes | undefined, trouble: string | undefined) => Promise<T>,
): Promise<T> {
  let opened = false;
  try {
    return await withRedisNodes(config, (nodes) => {
      opened = true;
      return work(nodes, undefined);
    });
  } catch (error) {
    if (opened || !(error instanceof CommandError)) throw error;
    return work(undefined, error.message);
  }
}

/**
 * Opens what there is, does the work and closes it, however that ends.
 * @param addresses gRPC ports to ask besides those of registered processes
 */
export function withFleet<T>(
  config: RedisConfig,
  addresses: readonly string[],
  work: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  return withRedisOrTrouble(config, async (nodes, away) => {
    let trouble = away;
    let registered: Registered[] = [];
    try {
      if (nodes) registered = await listProcesses(nodes, LIST_TIMEOUT_MS);
    } catch (error) {
      trouble = `who is registered in Redis cannot be read: ${(error as Error).message}`;
    }
    const gates = gatesOf(registered, addresses, openGate);
    try {
      return await work({ nodes, trouble, gates });
    } finally {
      for (const gate of gates) gate.close();
    }
  });
}

/**
 * `--wait`, made ready before anything is changed.
 * @throws CommandError (2) when there is nobody to be waited for: neither Redis nor an ops port
 */
export function withWait<T>(
  config: RedisConfig,
  options: { readonly ops: readonly string[]; readonly withinMs: number },
  work: (wait: WaitFor) => Promise<T>,
): Promise<T> {
  const begin = async (nodes: RedisNodes | undefined) => {
    const list = async () => (nodes ? listProcesses(nodes, LIST_TIMEOUT_MS) : []);
    return work(await waitFor({ ...options, list }));
  };
  if (!config.redisUrl && options.ops.length > 0) return begin(undefined);
  return withRequiredRedis(config, '--wait without --ops', begin);
}

/** Plain text, as all of gRPC here is. */
export const openGate: OpenGate = (address) => {
  const client = new GateClient(address);
  return {
    ask: (questions) =>
      client.askAll(
        questions.map(({ subject, mark }) => ({
          subject,
          ...(mark ? { minAsOf: markOf(mark.epoch, mark.asOf) } : {}),
        })),
      ),
    close: () => client.close(),
  };
};
