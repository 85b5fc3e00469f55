import { ENVELOPE_BYTES_MAX } from '../layers/record-codec.ts';
import type { Log } from '../log.ts';
import type { RedisNode, RedisNodes } from '../redis/nodes.ts';
import { BUCKETS } from '../redis/slots.ts';

/** What a server must allow so that a bucket stays one compact list: else a record costs twice the memory. */
const LEAST: Readonly<Record<string, number>> = {
  'hash-max-listpack-value': ENVELOPE_BYTES_MAX,
  // Twice what a bucket holds at 30 million people: buckets are uneven.
  'hash-max-listpack-entries': 2 ** Math.ceil(Math.log2((2 * 30e6) / BUCKETS)),
};
const EVERY_MS = 5_000;
const TIMEOUT_MS = 1_000;

/** @returns what is wrong with a node's settings, each named with what it should be */
export async function wrongSettings(node: RedisNode): Promise<string[]> {
  const reply = await node.command(
    ['CONFIG', 'GET', 'hash-max-listpack-*', 'maxmemory-policy'],
    TIMEOUT_MS,
  );
  const pairs = (reply as Buffer[]).map(String);
  const settings = new Map<string, string>();
  for (let i = 0; i + 1 < pairs.length; i += 2)
    settings.set(pairs[i] as string, pairs[i + 1] as string);
  const wrong = Object.entries(LEAST)
    .filter(([name, least]) => Number(settings.get(name) ?? least) < least)
    .map(([name, least]) => `${name} is ${settings.get(name)}: set it to ${least} or more`);
  const policy = settings.get('maxmemory-policy') ?? '';
  if (policy.startsWith('allkeys'))
    wrong.push(`maxmemory-policy is ${policy}: set it to volatile-lfu, which never evicts records`);
  return wrong;
}

/** Looks at every master once, also at those that come later, and says what is wrong. */
export function keepChecked(nodes: RedisNodes, log: Log): () => void {
  const checked = new Set<string>();
  const check = async (node: RedisNode) => {
    checked.add(node.name);
    try {
      for (const wrong of await wrongSettings(node))
        log.warn({ node: node.name }, `Redis setting ${wrong}`);
    } catch (error) {
      // Some providers forbid the question; a node that is away is asked when it is back.
      if (!node.connected) checked.delete(node.name);
      else log.info({ err: error, node: node.name }, 'the settings of Redis cannot be asked');
    }
  };
  const look = () => {
    for (const node of nodes.masters)
      if (!checked.has(node.name) && node.connected) void check(node);
  };
  const timer = setInterval(look, EVERY_MS);
  timer.unref();
  setTimeout(look, 500).unref();
  return () => clearInterval(timer);
}
