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
  /** Redis's own names, besides {@link SETTINGS}; '' is the empty text. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Nothing is saved unless asked for; small hashes stay packed at the size that the records need. */
const SETTINGS: Readonly<Record<string, string>> = {
  save: '',
  appendonly: 'no',
  'hash-max-listpack-entries': '512',
  'hash-max-listpack-value': '128',
  'repl-diskless-sync': 'yes',
  'repl-diskless-sync-delay': '0',
  // Else a replica that restarts would know what its master had when it was last copied.
  'rdb-del-sync-files': 'yes',
};

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
      const coverage = options.settings?.[FULL_COVERAGE] ?? 'yes';
      await allOf(nodes.map((node) => node.ask('CONFIG', 'SET', FULL_COVERAGE, coverage)));
      return cluster;
    } catch (error) {
      await Promise.all(nodes.map((node) => node.kill9()));
      await dropFolder(dir);
      // Somebody was faster to take a port.
      const taken = error instanceof RedisDidNotStart && /already in use/.test(error.message);
      if (!taken || tries === 3) throw error;
    }
  }
}

/** @param nodes filled in the order of the plan; what started stays in it when another does not */
async function startNodes(
  nodes: RedisNode[],
  dir: string,
  { masters = 3, replicas = 0, nodeTimeoutMs = 1_500, password, settings }: RedisClusterOptions,
): Promise<void> {
  const all = { ...SETTINGS, 'cluster-node-timeout': `${nodeTimeoutMs}`, ...settings };
  const plan = await planOf(masters, replicas);
  const start = async (planned: Planned) => {
    const { id, port } = planned;
    const options = { id, port, dir: join(dir, String(port)), password, settings: all };
    const ghost = planned.slots && nodeId();
    // Until all have taken over, nobody knows all slots: who called that a failure would wait out the two seconds.
    const node = await startRedisNode(options, nodesConfOf(planned, plan, ghost), {
      [FULL_COVERAGE]: 'no',
    });
    nodes.push(node);
    if (!ghost) return;
    await node.ask('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await node.ask('CLUSTER', 'FORGET', ghost);
  };
  await allOf(plan.slice(0, masters).map(start));
  await allOf(plan.slice(masters).map(start));
  const place = (node: RedisNode) => plan.findIndex(({ id }) => id === node.id);
  nodes.sort((a, b) => place(a) - place(b));
}

async function planOf(masters: number, replicas: number): Promise<Planned[]> {
  const ports = await lastingPorts(masters + replicas, BUS_PORT_ABOVE);
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
