/** A script of ours, known to the servers by its hash. */
export interface Script {
  readonly name: string;
  readonly lua: string;
  readonly sha1: string;
}

export type RedisArg = string | number | Buffer;

/** A master, as this process sees it now. */
export interface RedisNode {
  /** host:port */
  readonly name: string;
  /** In a slot that it holds: how far the records on it are. */
  readonly markKey: string;
  /** Whether a command would leave at once. Nothing is queued for a node that is away. */
  readonly connected: boolean;
  /**
   * Runs a script there. Bulk strings come back as Buffers.
   * @param keys all on this node
   * @throws when the node does not answer within `timeoutMs`, is away, or says no
   */
  run(
    script: Script,
    keys: readonly string[],
    args: readonly RedisArg[],
    timeoutMs: number,
  ): Promise<unknown>;
  /** One plain command, in the same way. */
  command(args: readonly [string, ...RedisArg[]], timeoutMs: number): Promise<unknown>;
}

/** The masters of a Redis Cluster. */
export interface RedisNodes {
  readonly masters: readonly RedisNode[];
  nodeOf(slot: number): RedisNode | undefined;
  /** How many slots each master holds, by name. */
  slotCounts(): ReadonlyMap<string, number>;
  /** Asks for the topology anew, at a bounded rate: somebody said that a slot has moved, or did not answer. */
  refresh(): void;
  /**
   * A connection of its own to the master of a slot, for a command that waits.
   * @returns ends with `close`
   */
  dedicated(slot: number): DedicatedConnection | undefined;
  close(): Promise<void>;
}

export interface DedicatedConnection {
  command(args: readonly [string, ...RedisArg[]], timeoutMs: number): Promise<unknown>;
  close(): void;
}
