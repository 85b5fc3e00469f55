// Where an operators' command does its work: PostgreSQL, or the embedded source, by itself or through the door of the
// process that holds it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from './admin/output.ts';
import type { Config } from './config.ts';
import { FolderInUseError, openEmbedded } from './source/embedded.ts';
import { enterDoor } from './source/embedded-door.ts';
import { migrate, pendingMigrations } from './source/migrate.ts';
import { openPostgresSession } from './source/postgres.ts';
import type { SqlSession } from './source/sql.ts';

export interface SessionOptions {
  readonly config: Pick<Config, 'postgresUrl' | 'dataDir' | 'postgresConnectTimeoutMs'>;
  /** Takes an older schema too: for `migrate` itself. */
  readonly anySchema?: boolean;
  /** Never opens a folder that no process holds. */
  readonly onlyRunning?: boolean;
  /** The work heeds its signal and ends by itself, soon after; else it is left as it stands. */
  readonly endsItself?: boolean;
  /** Told which source it is. */
  readonly say: (where: string) => void;
}

/** The person at the terminal ended it. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

const CLOSE_WITHIN_MS = 2_000;

/**
 * Opens the source, does the work and closes, however it ends: the first SIGINT or SIGTERM ends it too, a second one
 * at once.
 * @throws CommandError when there is no source, it cannot be reached, or its schema is older
 * @throws InterruptedError
 */
export async function withSession<T>(
  options: SessionOptions,
  work: (session: SqlSession, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interruption = interrupted();
  const { signal } = interruption;
  let opened: Opened | undefined;
  const run = async () => {
    opened = await open(options);
    options.say(opened.where);
    if (!options.anySchema) await requireSchema(opened);
    signal.throwIfAborted();
    return work(opened.session, signal);
  };
  try {
    const running = run();
    return await (options.endsItself ? running : Promise.race([running, rejectionOf(signal)]));
  } finally {
    await withinTime(opened?.close());
    interruption.dispose();
  }
}

interface Opened {
  readonly session: SqlSession;
  readonly where: string;
  close(): Promise<void>;
}

async function open({ config, onlyRunning }: SessionOptions): Promise<Opened> {
  const { postgresUrl, dataDir } = config;
  if (postgresUrl) return openPostgres(postgresUrl, config.postgresConnectTimeoutMs);
  const visitor = await enterDoor(dataDir);
  if (visitor)
    return {
      session: visitor,
      where: `the embedded source in ${dataDir}, through the process that holds it`,
      close: () => visitor.close(),
    };
  if (!existsSync(join(dataDir, 'postgres')))
    throw new CommandError(
      `there is no source: LOOKUP_POSTGRES_URL is not set, and ${dataDir} (LOOKUP_DATA_DIR) holds no embedded one ` +
        '("npm start" makes it)',
      2,
    );
  if (onlyRunning)
    throw new CommandError(`no process holds the embedded source in ${dataDir}: "npm start"`, 1);
  return openFolder(dataDir);
}

async function openPostgres(url: string, connectTimeoutMs: number): Promise<Opened> {
  const where = placeOf(url);
  try {
    const session = await openPostgresSession(url, connectTimeoutMs);
    return { session, where, close: () => session.close() };
  } catch (error) {
    throw new CommandError(
      `${where} (LOOKUP_POSTGRES_URL) cannot be reached: ${reasonOf(error)}`,
      1,
    );
  }
}

async function openFolder(dir: string): Promise<Opened> {
  try {
    const embedded = await openEmbedded(dir);
    const session = embedded.session();
    const close = () => embedded.close();
    try {
      await migrate(session);
    } catch (error) {
      await close();
      throw error;
    }
    return { session, where: `the embedded source in ${dir}`, close };
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new CommandError(`${error.message} (if it is only starting, try again in a moment)`, 1);
  }
}

/** Without user and password, which are nobody's business. */
function placeOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `PostgreSQL at ${host}${pathname}`;
  } catch {
    return 'PostgreSQL';
  }
}

/** A host with two addresses fails with two errors, and a message for neither. */
function reasonOf(error: unknown): string {
  const { message, errors } = error as { message: string; errors?: Error[] };
  return message || (errors ?? []).map((one) => one.message).join('; ');
}

async function requireSchema({ session, where }: Opened): Promise<void> {
  const pending = await pendingMigrations(session);
  if (pending.length > 0)
    throw new CommandError(
      `the schema in ${where} lacks ${pending.join(', ')}: run "npx lookup migrate" first`,
      2,
    );
}

function interrupted(): { signal: AbortSignal; dispose(): void } {
  const ending = new AbortController();
  const onSignal = () => {
    if (ending.signal.aborted) process.exit(130);
    ending.abort(new InterruptedError('interrupted: what was not committed is not done'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: ending.signal,
    dispose() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** What hangs is left to the end of the process. */
async function withinTime(closing: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_WITHIN_MS);
  });
  await Promise.race([closing?.catch(() => {}), late]);
  clearTimeout(timer);
}
