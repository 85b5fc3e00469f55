// One Redis of a private cluster, to ask, kill, pause and restart.

import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type Kept, keep } from './keeper.ts';
import { findRedis } from './needs.mjs';
import { until } from './wait.ts';

/** Redis's own rule: where the nodes of a cluster talk to each other. */
export const BUS_PORT_ABOVE = 10_000;

export type Argument = string | number | Buffer;

export interface RedisNode {
  /** Of the cluster: 40 hex digits. */
  readonly id: string;
  /** host:port */
  readonly name: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Neither ended nor paused. */
  runs(): boolean;
  /** One command, on a connection of its own. @throws when there is no answer within 1 s */
  ask(command: string, ...args: Argument[]): Promise<unknown>;
  /** As it sees itself. */
  role(): Promise<'master' | 'replica'>;
  /** What it held is gone, unless `ask('SAVE')` came before. */
  kill9(): Promise<void>;
  /** It does nothing, and no connection breaks: a machine that hangs. */
  pause(): void;
  resume(): void;
  /** It says goodbye to its clients; what it held is gone, unless `ask('SAVE')` came before. */
  stop(): Promise<void>;
  /** After a stop or kill9: the same port, folder and id. Does not wait for the cluster. */
  start(): Promise<void>;
  /** All that it logged since it was first started. */
  log(): string;
}

export interface NodeOptions {
  readonly id?: string;
  readonly port: number;
  /** Its own one, inside the cluster's; made here. */
  readonly dir: string;
  readonly password: string | undefined;
  /** Redis's own names. */
  readonly settings: Readonly<Record<string, string>>;
  /** Told its log, besides the file. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

export class RedisDidNotStart extends Error {}

export const nodeId = () => randomBytes(20).toString('hex');

/**
 * Starts one.
 * @param nodesConf what it believes of the cluster when it first starts, in the server's own format
 * @param atFirst settings of this first start only
 */
export async function startRedisNode(
  options: NodeOptions & { readonly id: string },
  nodesConf: string,
  atFirst: Readonly<Record<string, string>> = {},
): Promise<RedisNode> {
  const { id, port, dir, password, settings } = options;
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(dir, 'nodes.conf'), nodesConf);
  let server = await startServer(options, { ...settings, ...atFirst });
  let paused = false;
  const end = async (signal: NodeJS.Signals) => {
    server.kill(signal);
    server.kill('SIGCONT');
    paused = false;
    await server.ended;
  };
  const ask: RedisNode['ask'] = (command, ...args) => askOnce(port, password, command, args);
  return {
    id,
    name: `127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    runs: () => !paused && server.outcome() === undefined,
    ask,
    async role() {
      const [role] = (await ask('ROLE')) as string[];
      return role === 'master' ? 'master' : 'replica';
    },
    kill9: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    pause() {
      server.kill('SIGSTOP');
      paused = true;
    },
    resume() {
      server.kill('SIGCONT');
      paused = false;
    },
    async start() {
      if (server.outcome()) server = await startServer(options, settings);
    },
    log: () => readFileSync(join(dir, 'log'), 'utf8'),
  };
}

async function startServer(
  { port, dir, password, onOutput }: NodeOptions,
  settings: Readonly<Record<string, string>>,
): Promise<Kept> {
  const command = findRedis();
  if (!command) throw new Error('no Redis server here: "npm test" says what is missing');
  const log = join(dir, 'log');
  writeFileSync(log, '', { flag: 'a' });
  const secret = password === undefined ? {} : { requirepass: password, masterauth: password };
  const all = {
    port: String(port),
    bind: '127.0.0.1',
    'cluster-enabled': 'yes',
    ...settings,
    ...secret,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} ${value || '""'}\n`);
  // A file, because arguments are seen by everyone on the machine.
  writeFileSync(join(dir, 'redis.conf'), lines.join(''), { mode: 0o600 });
  const onText = (_: string, text: string) => {
    appendFileSync(log, text);
    onOutput?.(text);
  };
  const output = onOutput ? { onOutput: onText } : { log };
  const server = await keep({ command, args: ['redis.conf'], cwd: dir, ...output });
  await until(
    () => server.outcome() !== undefined || askOnce(port, password, 'PING', []).then(() => true),
    { what: 'a private Redis answers', timeoutMs: 10_000 },
  );
  if (server.outcome()) throw new RedisDidNotStart(readFileSync(log, 'utf8'));
  return server;
}

async function askOnce(
  port: number,
  password: string | undefined,
  command: string,
  args: Argument[],
): Promise<unknown> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    ...(password === undefined ? {} : { password }),
    protocol: 2,
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}
