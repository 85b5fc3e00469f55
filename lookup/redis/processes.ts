import type { RedisNodes } from './nodes.ts';
import { PROCESSES_KEY, REGISTER } from './scripts.ts';
import { slotOf } from './slots.ts';

/** What a process says of itself, for the operators' commands. */
export interface Registration {
  readonly role: 'lookup' | 'relay' | 'all';
  /** host:port */
  readonly grpc?: string;
  readonly http?: string;
  readonly ops: string;
  /** Resolved time, on the source's clock; -Infinity before the first batch. */
  readonly resolved: number;
  /** Number of the last batch of the feed that it has applied; '' while it follows the outbox. */
  readonly position?: string;
}

export interface Registered extends Registration {
  readonly name: string;
}

/**
 * Says that a process lives, for a while.
 * @param about undefined: it no longer does
 * @throws when the node that keeps the list does not answer
 */
export async function registerProcess(
  nodes: RedisNodes,
  name: string,
  about: Registration | undefined,
  options: { readonly livesMs: number; readonly timeoutMs: number },
): Promise<void> {
  const text = about === undefined ? '' : JSON.stringify(about);
  await run(nodes, [name, text, options.livesMs], options.timeoutMs);
}

/**
 * Who has said so lately, in the order of their names. An entry that cannot be read is passed over: another version.
 * @throws when the node that keeps the list does not answer
 */
export async function listProcesses(nodes: RedisNodes, timeoutMs: number): Promise<Registered[]> {
  const reply = (await run(nodes, ['', '', 0], timeoutMs)) as Buffer[];
  const listed: Registered[] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const about = parse(String(reply[i + 1]));
    if (about) listed.push({ ...about, name: String(reply[i]) });
  }
  return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function run(nodes: RedisNodes, args: (string | number)[], timeoutMs: number): Promise<unknown> {
  const node = nodes.nodeOf(slotOf(PROCESSES_KEY));
  if (!node) throw new Error('no node holds the list of processes');
  return node.run(REGISTER, [PROCESSES_KEY], args, timeoutMs);
}

function parse(text: string): Registration | undefined {
  try {
    const about = JSON.parse(text) as Registration;
    // JSON has no -Infinity: nothing has been applied yet.
    return typeof about.ops === 'string'
      ? { ...about, resolved: about.resolved ?? -Infinity }
      : undefined;
  } catch {
    return undefined;
  }
}
