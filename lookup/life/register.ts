import type { RedisNodes } from '../redis/nodes.ts';
import { PROCESSES_KEY, REGISTER } from '../redis/scripts.ts';
import { slotOf } from '../redis/slots.ts';

/** What a process says of itself, for the operators' commands. */
export interface Registration {
  readonly role: 'lookup' | 'relay' | 'all';
  /** host:port */
  readonly grpc?: string;
  readonly http?: string;
  readonly ops: string;
  /** Resolved time, on the source's clock. */
  readonly resolved: number;
}

const EVERY_MS = 1_000;
const LIVES_MS = 5_000;
const TIMEOUT_MS = 500;

/** Says so every second, until it is ended. A failure is nobody's trouble: the entry expires. */
export function keepRegistered(
  nodes: RedisNodes,
  name: string,
  about: () => Registration,
): () => Promise<void> {
  const say = async (text: string) => {
    try {
      const node = nodes.nodeOf(slotOf(PROCESSES_KEY));
      await node?.run(REGISTER, [PROCESSES_KEY], [name, text, LIVES_MS], TIMEOUT_MS);
    } catch {
      // Said again in a second.
    }
  };
  void say(JSON.stringify(about()));
  const timer = setInterval(() => void say(JSON.stringify(about())), EVERY_MS);
  return async () => {
    clearInterval(timer);
    await say('');
  };
}
