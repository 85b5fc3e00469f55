import { hostname } from 'node:os';
import type { RedisNodes } from '../redis/nodes.ts';
import { type Registration, registerProcess } from '../redis/processes.ts';

const EVERY_MS = 1_000;
const OPTIONS = { livesMs: 5_000, timeoutMs: 500 };

/** Says so every second, until it is ended. A failure is nobody's trouble: the entry expires. */
export function keepRegistered(
  nodes: RedisNodes,
  name: string,
  about: () => Registration,
): () => Promise<void> {
  // It is said again in a second.
  const say = (text: Registration | undefined) =>
    registerProcess(nodes, name, text, OPTIONS).catch(() => {});
  void say(about());
  const timer = setInterval(() => void say(about()), EVERY_MS);
  return async () => {
    clearInterval(timer);
    await say(undefined);
  };
}

/** Where others reach what listens on a host: one that means every address of this machine is no address. */
export function reachableAt(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? hostname() : host;
  return `${name.includes(':') ? `[${name}]` : name}:${port}`;
}
