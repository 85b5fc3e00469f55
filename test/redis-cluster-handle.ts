// What can be asked of a private Redis Cluster that runs.

import { mapText, ownerOf, ownersOf, readNodes, type SeenNode, SLOTS } from './redis-map.ts';
import type { RedisNode } from './redis-node.ts';
import { until } from './wait.ts';

export interface RedisCluster {
  /** Masters first, as it began. */
  readonly nodes: readonly RedisNode[];
  /** host:port of each. */
  readonly urls: readonly string[];
  /** redis://[:password@]host:port,host:port,… */
  readonly url: string;
  /** Who has this slot, or this key, as those who run see it now: it may have ended and not be given up yet. */
  masterOf(slotOrKey: number | string): Promise<RedisNode>;
  /** Who has slots, in their order. */
  masters(): Promise<RedisNode[]>;
  replicasOf(master: RedisNode): Promise<RedisNode[]>;
  /** An orderly handover by this master to its first replica that runs; the new master, once all agree. */
  failover(master: RedisNode): Promise<RedisNode>;
  /** Every master forgets all keys, and its replicas with it. */
  flushAll(): Promise<void>;
  /**
   * Until all nodes that run agree: every slot is with a master that runs, nobody who runs is held for lost, every
   * replica follows its master, and each of them knows whom it follows.
   * @throws after `timeoutMs` (15 s unless told), with what is missing
   */
  waitOk(timeoutMs?: number): Promise<void>;
  /** Ends all and removes their files. */
  discard(): Promise<void>;
}

/** @param removeFiles called when all have ended */
export function clusterOf(
  nodes: readonly RedisNode[],
  password: string | undefined,
  removeFiles: () => Promise<void>,
): RedisCluster {
  const running = () => nodes.filter((node) => node.runs());
  const handle = (seen: SeenNode | undefined) => {
    const node = nodes.find(({ id }) => id === seen?.id);
    if (!node) throw new Error('nobody has it');
    return node;
  };
  const observer = () => {
    const [first] = running();
    if (!first) throw new Error('no node runs');
    return first;
  };
  const masters = async () => ownersOf(await seenBy(observer())).map(handle);
  const replicasOf = async (master: RedisNode) => {
    const seen = await seenBy(observer());
    return nodes.filter(({ id }) =>
      seen.some((one) => one.id === id && one.masterId === master.id),
    );
  };
  const waitOk = async (timeoutMs = 15_000) => {
    let missing: string | undefined;
    const look = async () => {
      missing = await whatIsMissing(running());
      return missing === undefined;
    };
    await until(look, { what: 'the cluster agrees', timeoutMs }).catch((cause) => {
      throw new Error(`${(cause as Error).message}: ${missing}`, { cause });
    });
  };
  const urls = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return {
    nodes,
    urls,
    url: `redis://${user}${urls.join(',')}`,
    masters,
    replicasOf,
    waitOk,
    async masterOf(slotOrKey) {
      const one = observer();
      const slot =
        typeof slotOrKey === 'number' ? slotOrKey : await one.ask('CLUSTER', 'KEYSLOT', slotOrKey);
      return handle(ownerOf(await seenBy(one), slot as number));
    },
    async failover(master) {
      const heir = (await replicasOf(master)).find((node) => node.runs());
      if (!heir) throw new Error('it has no replica that runs');
      let askedAtMs = -Infinity;
      const isMaster = async () => {
        if ((await heir.role()) === 'master') return true;
        if (performance.now() - askedAtMs < REDIS_GIVES_UP_MS) return false;
        askedAtMs = performance.now();
        await heir.ask('CLUSTER', 'FAILOVER');
        return false;
      };
      await until(isMaster, { what: 'the replica takes over', timeoutMs: 15_000 });
      await waitOk();
      return heir;
    },
    async flushAll() {
      await Promise.all((await masters()).map((node) => node.ask('FLUSHALL', 'SYNC')));
    },
    async discard() {
      await Promise.all(nodes.map((node) => node.kill9()));
      await removeFiles();
    },
  };
}

/** A replica that a busy machine kept from catching up with its master for 5 s has given up: it must be told again. */
const REDIS_GIVES_UP_MS = 6_000;

const seenBy = async (node: RedisNode) => readNodes((await node.ask('CLUSTER', 'NODES')) as string);

const FLAGS_OF_LOSS = new Set(['fail', 'fail?', 'handshake', 'noaddr']);
const COPYING = /master_link_status:down|master_sync_in_progress:1|^slave\d+:.*state=(?!online)/m;

async function whatIsMissing(running: readonly RedisNode[]): Promise<string | undefined> {
  const ids = new Set(running.map(({ id }) => id));
  const maps = new Set<string>();
  if (ids.size === 0) return 'no node runs';
  for (const node of running) {
    const state = /cluster_state:(\w+)/.exec((await node.ask('CLUSTER', 'INFO')) as string)?.[1];
    if (state !== 'ok') return `${node.port} says cluster_state:${state}`;
    const seen = await seenBy(node);
    maps.add(mapText(seen, ids));
    const owners = ownersOf(seen);
    const served = owners.flatMap(({ slots }) => slots).reduce((sum, [a, b]) => sum + b - a + 1, 0);
    if (served !== SLOTS) return `${node.port} knows a master of ${served} slots only`;
    if (!owners.every(({ id }) => ids.has(id)))
      return `${node.port} counts on a master that does not run`;
    const lost = seen.find(
      ({ id, flags }) => ids.has(id) && flags.some((flag) => FLAGS_OF_LOSS.has(flag)),
    );
    if (lost) return `${node.port} sees ${lost.id} as ${lost.flags}`;
    const replication = (await node.ask('INFO', 'replication')) as string;
    if (COPYING.test(replication)) return `${node.port} is not copied, or copies: ${replication}`;
  }
  return maps.size === 1 ? undefined : 'not all have the same map';
}
