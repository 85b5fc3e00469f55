// The processes: environment -> config, signals -> drain, exit code. Nothing else.

import { systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { readIssuers } from './edge/issuers.ts';
import { makeLog } from './log.ts';
import { readPhotoKeys } from './photo/address.ts';
import { type Service, startService } from './service.ts';
import { PostgresSql } from './source/postgres.ts';

/** Something that is set must be there; says what and how. */
export class NotConfiguredError extends Error {
  override readonly name = 'NotConfiguredError';
}

/** `lookup serve`: answers from PostgreSQL, and runs until it is told to end. Demo keys are refused. */
export async function serve(env: Record<string, string | undefined>): Promise<void> {
  const config = readConfig(env);
  const log = makeLog(config.logLevel);
  const issuers = readIssuers(required(config, 'issuersFile'), { allowDemo: false });
  const photoKeys = readPhotoKeys(required(config, 'photoKeysFile'), { allowDemo: false });
  const url = required(config, 'postgresUrl');
  const pool = (name: string, poolMax: number, statementTimeoutMs: number) =>
    new PostgresSql({
      url,
      poolMax,
      statementTimeoutMs,
      connectTimeoutMs: config.postgresConnectTimeoutMs,
      applicationName: `lookup-${name}`,
    });
  const sql = {
    lookups: pool('lookups', config.postgresPoolMax, config.sourceTimeoutHardMs),
    // A large transaction is read in pieces; each may take longer than a lookup may.
    feed: pool('feed', 1, config.feedTimeoutMs),
    photos: pool('photos', 2, config.photoTimeoutMs),
  };
  const service = await startService({ config, sql, issuers, photoKeys, clock: systemClock, log });
  const { httpPort, grpcPort, opsPort } = service;
  log.info({ http: httpPort, grpc: grpcPort, ops: opsPort }, 'listening');
  void service.ready.then(() => log.info('ready'));
  await untilTold(service);
}

function required(config: Config, name: 'issuersFile' | 'photoKeysFile' | 'postgresUrl'): string {
  const value = config[name];
  if (value) return value;
  const variable = `LOOKUP_${name.replaceAll(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
  throw new NotConfiguredError(
    `${variable} is not set: "lookup serve" needs it ("npm start" runs the demo, which does not)`,
  );
}

/** The first SIGTERM or SIGINT drains; a second ends at once. */
export async function untilTold(service: Pick<Service, 'drain'>): Promise<void> {
  await new Promise<void>((resolve) => {
    let told = false;
    const onSignal = () => {
      if (told) process.exit(130);
      told = true;
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
  await service.drain();
}
