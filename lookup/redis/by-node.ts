import type { RedisNode, RedisNodes } from './nodes.ts';

/**
 * Sorts what has a slot by the node that holds it now.
 * @returns `homeless`: nobody holds the slot of some of them, and they are left out
 */
export function byNode<T>(
  nodes: RedisNodes,
  items: Iterable<T>,
  slotOf: (item: T) => number,
): { sorted: Map<RedisNode, T[]>; homeless: boolean } {
  const sorted = new Map<RedisNode, T[]>();
  let homeless = false;
  for (const item of items) {
    const node = nodes.nodeOf(slotOf(item));
    const list = node && sorted.get(node);
    if (list) list.push(item);
    else if (node) sorted.set(node, [item]);
    else homeless = true;
  }
  return { sorted, homeless };
}
