// Ports for what is stopped and started again on the same one. They lie below those that the system gives to whoever
// connects somewhere: a free one of those may be taken by any connection while its owner is away.

import { createServer } from 'node:net';

const FIRST = 12_000;
const COUNT = 10_000;
const given = new Set<number>();

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * Free ports of 127.0.0.1, none of them twice in this process.
 * @param alsoAbove each has a second one, so much higher, which is free as well
 */
export async function lastingPorts(count: number, alsoAbove = 0): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > 100 + 10 * count) throw new Error(`${count} free ports were not found`);
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port) || !(await isFree(port))) continue;
    if (alsoAbove > 0 && !(await isFree(port + alsoAbove))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

/** So many ports from this one on. @throws naming the first that somebody has */
export async function portsFrom(first: number, count: number): Promise<number[]> {
  const ports = Array.from({ length: count }, (_, i) => first + i);
  for (const port of ports)
    if (!(await isFree(port))) throw new Error(`port ${port} of 127.0.0.1 is in use`);
  return ports;
}
