// The whole system on this machine, as it is delivered: a private PostgreSQL, a private Redis Cluster, relays and
// services as processes of their own. It is seen from outside only: nothing here knows the program's code. All of it
// ends when stop() is called, and when whoever started it ends, however that ends.
//
// Not covered: links that can be cut one by one, several machines, TLS.

import { dropFolder, heldFolder } from '../../test/keeper.ts';
import type { OwnPostgres } from '../../test/own-postgres.ts';
import type { RedisCluster } from '../../test/redis-cluster.ts';
import { type CommandEnded, runCommand } from './command.ts';
import { makeKeys, type RigKeys } from './keys.ts';
import { makeLogins } from './logins.ts';
import { seed } from './people.ts';
import { portsOf } from './rig-ports.ts';
import { type Served, startServed } from './served.ts';
import { startRedis, startSource } from './servers.ts';

export interface RigOptions {
  /** Processes that answer; 2 unless told. */
  readonly services?: number;
  /** Processes that carry changes; 2 unless told: a leader and a standby. */
  readonly relays?: number;
  /** 3 masters with 3 replicas unless told. */
  readonly redis?: {
    readonly masters?: number;
    readonly replicas?: number;
    readonly nodeTimeoutMs?: number;
    readonly password?: string;
    readonly settings?: Readonly<Record<string, string>>;
  };
  readonly postgres?: { readonly settings?: Readonly<Record<string, string>> };
  /** Made people that the source begins with; none unless told. See people.ts. */
  readonly people?: number;
  /** All ports from here on, in the order of the names below; free ones unless told. */
  readonly firstPort?: number;
  /** LOOKUP_… of every relay and service; each has a login of its own for the source, besides. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told each line that a process logs. @param name postgres, redis-1, relay-1, service-1 and so on; rig itself */
  readonly onLine?: (name: string, line: string) => void;
}

export interface Rig {
  readonly postgres: OwnPostgres;
  readonly redis: RedisCluster;
  readonly relays: readonly Served[];
  readonly services: readonly Served[];
  readonly keys: RigKeys;
  /** What an operator's shell needs: LOOKUP_POSTGRES_URL and so on. */
  readonly env: Readonly<Record<string, string>>;
  /** `lookup WORDS…`, as an operator types it. */
  command(words: readonly string[], signal?: AbortSignal): Promise<CommandEnded>;
  /** Services and relays leave first, then what they stood on; nothing is left. */
  stop(): Promise<void>;
}

/** Leaving at once: there is no balancer that must notice first. */
const ENV = { LOOKUP_DRAIN_WAIT_MS: '0' };

/** Resolves when every service is ready. On failure all that had started is ended. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    return await build(options, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {});
    throw error;
  }
}

/** @param undo gets what ends each thing, in the order in which they were begun */
async function build(options: RigOptions, undo: (() => Promise<unknown>)[]): Promise<Rig> {
  const { services = 2, relays = 2, people = 0, onLine = () => {} } = options;
  const say = (line: string) => onLine('rig', line);
  const ports = await portsOf(options);
  const dir = heldFolder();
  undo.push(() => dropFolder(dir));
  const keys = makeKeys(dir);

  say('starting PostgreSQL and Redis');
  const [postgres, redis] = await allOf([
    startSource(options, ports.postgres, undo),
    startRedis(options, ports.redis, undo),
  ] as const);
  const env = {
    ...ENV,
    LOOKUP_POSTGRES_URL: postgres.url,
    LOOKUP_REDIS_URL: redis.url,
    LOOKUP_ISSUERS_FILE: keys.issuersFile,
    LOOKUP_PHOTO_KEYS_FILE: keys.photoKeysFile,
    ...options.env,
  };
  const command: Rig['command'] = (words, signal) => runCommand(words, env, signal);
  const { code, stderr } = await command(['migrate', '--roles']);
  if (code !== 0) throw new Error(`lookup migrate failed (${code}):\n${stderr}`);
  const logins = await makeLogins(postgres.url);
  const onDone = (done: number) => say(`${done} of ${people} people made`);
  if (people > 0) await seed({ url: postgres.url, people, onDone });

  say(`starting ${relays} relays and ${services} services`);
  const served = await allOf(
    ports.processes.map(async (one) => {
      const started = await startServed({
        ...one,
        env: { ...env, LOOKUP_POSTGRES_URL: logins[one.role] },
        onLine: (line) => onLine(one.name, line),
      });
      undo.push(() => started.stop());
      return started;
    }),
  );
  await Promise.all(served.map((one) => one.ready()));
  say('all are ready');
  let stopping: Promise<void> | undefined;
  return {
    postgres,
    redis,
    keys,
    env,
    command,
    relays: served.filter(({ role }) => role === 'relay'),
    services: served.filter(({ role }) => role === 'lookup'),
    stop() {
      stopping ??= (async () => {
        await Promise.all(served.map((one) => one.stop()));
        await Promise.all([postgres.discard(), redis.discard()]);
        await dropFolder(dir);
      })();
      return stopping;
    },
  };
}

/** Waits for all, also when one fails: nothing may start behind our back. */
async function allOf<T extends readonly unknown[]>(promises: T) {
  const outcomes = await Promise.allSettled(promises);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return Promise.all(promises);
}
