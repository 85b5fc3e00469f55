// The map of a cluster, as Redis writes it: which node has which slots. Text in, values out.

import { BUS_PORT_ABOVE } from './redis-node.ts';

export const SLOTS = 16_384;

type Range = readonly [first: number, last: number];

export interface Planned {
  readonly id: string;
  readonly port: number;
  /** Of a master. */
  readonly slots?: Range;
  /** Of a replica. */
  readonly masterId?: string;
}

/** The i-th of so many equal shares. */
export const shareSlots = (i: number, shares: number): Range => [
  Math.floor((i * SLOTS) / shares),
  Math.floor(((i + 1) * SLOTS) / shares) - 1,
];

/**
 * What `planned` believes when it first starts.
 * @param ghost of a master: the id of one that is nowhere, whose replica it is and whose slots it is to take over
 */
export function nodesConfOf(planned: Planned, plan: readonly Planned[], ghost?: string): string {
  const line = (
    id: string,
    port: number,
    flags: string,
    masterId: string,
    slots: Range | undefined,
  ) =>
    `${id} 127.0.0.1:${port}@${port + BUS_PORT_ABOVE} ${flags} ${masterId} 0 0 1 connected ${slots?.join('-') ?? ''}`;
  const lines = plan.map(({ id, port, slots, masterId }) => {
    const me = id === planned.id ? 'myself,' : '';
    if (me && ghost) return line(id, port, 'myself,slave', ghost, undefined);
    return line(id, port, me + (masterId ? 'slave' : 'master'), masterId ?? '-', slots);
  });
  // Without an address: nobody calls it, and nobody tells others of it.
  if (ghost) lines.push(line(ghost, 1, 'master,noaddr', '-', planned.slots));
  // Two that take over at once must not come to the same epoch: the cluster would sort that out, in its own time.
  const epoch = 1 + plan.indexOf(planned);
  return [...lines, `vars currentEpoch ${epoch} lastVoteEpoch 0`, ''].join('\n');
}

export interface SeenNode {
  readonly id: string;
  readonly flags: readonly string[];
  /** Of a replica. */
  readonly masterId: string | undefined;
  readonly slots: readonly Range[];
}

/** @param text the answer to CLUSTER NODES */
export function readNodes(text: string): SeenNode[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [id = '', , flags = '', masterId, , , , , ...slots] = line.split(' ');
    return {
      id,
      flags: flags.split(','),
      masterId: masterId === '-' ? undefined : masterId,
      // In brackets: a slot on its way, which still belongs to whom it belonged.
      slots: slots
        .filter((range) => /^\d/.test(range))
        .map((range): Range => {
          const [first = '', last = first] = range.split('-');
          return [Number(first), Number(last)];
        })
        .sort(([a], [b]) => a - b),
    };
  });
}

/** Those that have slots, in the order of their first one. */
export function ownersOf(seen: readonly SeenNode[]): SeenNode[] {
  const first = ({ slots }: SeenNode) => slots[0]?.[0] ?? SLOTS;
  return seen.filter(({ slots }) => slots.length > 0).sort((a, b) => first(a) - first(b));
}

export const ownerOf = (seen: readonly SeenNode[], slot: number) =>
  seen.find(({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last));

/**
 * The same text for all who have the same map: who has which slots, and who copies whom.
 * @param running whose copying counts: nobody hears any more of whom the others copy
 */
export function mapText(seen: readonly SeenNode[], running: ReadonlySet<string>): string {
  const having = ownersOf(seen).map(
    ({ id, slots }) => `${id} ${slots.map((range) => range.join('-')).join(' ')}`,
  );
  const copying = seen
    .filter(({ id, masterId }) => masterId !== undefined && running.has(id))
    .map(({ id, masterId }) => `${id} of ${masterId}`)
    .sort();
  return [...having, ...copying].join('\n');
}
