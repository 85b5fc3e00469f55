// A private Redis Cluster on free ports of this machine. It ends with the process that started it, however that ends.
//
// A cluster that is made by the usual steps takes seconds to agree on itself, and a master that starts refuses writes
// for two more. So each node starts with the whole map, ids and slots, already written; and each master starts as the
// replica of one that never was, and takes over at once, because who becomes a master so has no such wait.

import { join } from 'node:path';
import { dropFolder, heldFolder } from './keeper.ts';
import { lastingPorts } from './ports.ts';
import { clusterOf, type RedisCluster } from './redis-cluster-handle.ts';
import { nodesConfOf, type Planned, shareSlots } from './redis-map.ts';
import {
  BUS_PORT_ABOVE,
  nodeId,
  RedisDidNotStart,
  type RedisNode,
  startRedisNode,
} from './redis-node.ts';

export type { RedisCluster } from './redis-cluster-handle.ts';
export type { RedisNode } from './redis-node.ts';

export interface RedisClusterOptions {
  /** 3 unless told. */
  readonly masters?: number;
  /** 0 unless told; dealt out to the masters in turn. */
  readonly replicas?: number;
  /** How long a node may be silent before the others give it up; a replica has its slots about as long after. */
  readonly nodeTimeoutMs?: number;
  readonly password?: string;
  /** Of the nodes, in their order; {@link BUS_PORT_ABOVE} higher must be free as well. Free ones, unless told. */
  readonly ports?: readonly number[];
  /** Redis's own names, besides {@link SETTINGS}; '' is the empty text. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told all that the nodes log. @param index of the node */
  readonly onOutput?: (index: number, text: string) => void;
}

/** Nothing is saved unless asked for; small hashes stay packed at the size that the records need. */
const SETTINGS: Readonly<Record<string, string>> = {
  save: '',
  appendonly: 'no',
  'hash-max-listpack-entries': '512',
  'hash-max-listpack-value': '128',
  'repl-diskless-sync': 'yes',
  'repl-diskless-sync-delay': '0',
  // A lost slot range takes no other with it.
  'cluster-require-full-coverage': 'no',
  // Else a replica that restarts would know what its master had when it was last copied.
  'rdb-del-sync-files': 'yes',
};

/** While they take over, nobody knows all slots: who called that a failure would wait out the two seconds. */
const FULL_COVERAGE = 'cluster-require-full-coverage';

/** Resolves when all agree: the first write succeeds. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  for (let tries = 1; ; tries++) {
    const dir = heldFolder();
    const nodes: RedisNode[] = [];
    try {
      await startNodes(nodes, dir, options);
      const cluster = clusterOf(nodes, options.password, () => dropFolder(dir));
      await cluster.waitOk();
      const coverage = options.settings?.[FULL_COVERAGE];
      if (coverage)
        await allOf(nodes.map((node) => node.ask('CONFIG', 'SET', FULL_COVERAGE, coverage)));
      return cluster;
    } catch (error) {
      await Promise.all(nodes.map((node) => node.kill9()));
      await dropFolder(dir);
      // Somebody was faster to take a port.
      const taken = error instanceof RedisDidNotStart && /already in use/.test(error.message);
      if (!taken || options.ports || tries === 3) throw error;
    }
  }
}

/** @param nodes filled in the order of the plan; what started stays in it when another does not */
async function startNodes(
  nodes: RedisNode[],
  dir: string,
  options: RedisClusterOptions,
): Promise<void> {
  const { masters = 3, replicas = 0, nodeTimeoutMs = 1_500, password, onOutput } = options;
  const settings = {
    ...SETTINGS,
    'cluster-node-timeout': `${nodeTimeoutMs}`,
    ...options.settings,
  };
  const ports = options.ports ?? (await lastingPorts(masters + replicas, BUS_PORT_ABOVE));
  const plan = planOf(ports, masters);
  const start = async (planned: Planned, index: number) => {
    const { id, port } = planned;
    const ghost = planned.slots && nodeId();
    const node = await startRedisNode(
      {
        ...{ id, port, password, settings },
        dir: join(dir, String(port)),
        onOutput: onOutput && ((text) => onOutput(index, text)),
      },
      nodesConfOf(planned, plan, ghost),
      { [FULL_COVERAGE]: 'no' },
    );
    nodes.push(node);
    if (!ghost) return;
    await node.ask('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await node.ask('CLUSTER', 'FORGET', ghost);
  };
  await allOf(plan.slice(0, masters).map(start));
  await allOf(plan.slice(masters).map((planned, i) => start(planned, masters + i)));
  const place = (node: RedisNode) => plan.findIndex(({ id }) => id === node.id);
  nodes.sort((a, b) => place(a) - place(b));
}

function planOf(ports: readonly number[], masters: number): Planned[] {
  const plan: Planned[] = [];
  for (const [i, port] of ports.entries()) {
    const masterId = plan[(i - masters) % masters]?.id;
    const part = i < masters ? { slots: shareSlots(i, masters) } : { masterId: masterId as string };
    plan.push({ id: nodeId(), port, ...part });
  }
  return plan;
}

/** Waits for all, also when one fails: nothing may start behind our back. */
async function allOf(started: Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(started);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
