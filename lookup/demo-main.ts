// The demo process: everything in one, on an embedded source, with made people. `npm start` asks for it; nothing else
// does.

import { systemClock } from './clock.ts';
import { readConfig } from './config.ts';
import { demoKeys } from './demo/keys.ts';
import { type GateAnswer, startDemoPage } from './demo/page-server.ts';
import { DEMO_PEOPLE_COUNT, demoPerson } from './demo/people.ts';
import { seedDemo, seedPhotos } from './demo/seed.ts';
import { GateClient } from './edge/grpc-client.ts';
import { reflect } from './edge/grpc-reflection.ts';
import { type Issuers, readIssuers } from './edge/issuers.ts';
import { mintToken } from './edge/mint.ts';
import { colorName } from './health-code.ts';
import { makeLog } from './log.ts';
import { untilTold } from './main.ts';
import { readPhotoKeys } from './photo/address.ts';
import { openRedis } from './redis-session.ts';
import { startRelay } from './relay-service.ts';
import { type Service, startService } from './service.ts';
import { openEmbedded } from './source/embedded.ts';
import { openDoor } from './source/embedded-door.ts';
import { migrate } from './source/migrate.ts';

/**
 * One thread draws portraits, runs the database and answers: it is late, and not because too many ask. And the page
 * asks for one person again and again, to see a change arrive.
 */
const DEMO_ENV = {
  LOOKUP_LOG_LEVEL: 'warn',
  LOOKUP_DRAIN_WAIT_MS: '0',
  LOOKUP_ADMISSION_DELAY_MS: '60000',
  LOOKUP_ADMISSION_STALL_MS: '60000',
  LOOKUP_SUBJECT_PER_S: '1000',
  LOOKUP_SUBJECT_BURST: '1000',
};
const PAGE_HOST = '127.0.0.1';
const TOKEN_LIFETIME_S = 12 * 3_600;
const GATE_TOKEN_LIFETIME_S = 100;

/** Runs until it is told to end. @param say prints a line for the person at the terminal */
export async function demo(
  env: Record<string, string | undefined>,
  options: { pagePort: number },
  say: (line: string) => void,
): Promise<void> {
  const config = readConfig({ ...DEMO_ENV, ...env });
  const log = makeLog(config.logLevel);
  say(`Opening the embedded source in ${config.dataDir} …`);
  const embedded = await openEmbedded(config.dataDir);
  const session = embedded.session();
  await migrate(session);
  await seedDemo(session, (done, total) => {
    if (done === total) say(`${total} made people in 16 districts.`);
  });
  const closeDoor = await openDoor(config.dataDir, () => embedded.session());
  const files = await demoKeys(config.dataDir);
  const issuers = readIssuers(files.issuersFile, { allowDemo: true });
  const photoKeys = readPhotoKeys(files.photoKeysFile, { allowDemo: true });
  const sql = { lookups: embedded.sql, feed: embedded.sql, photos: embedded.sql };
  const redis = openRedis(config, log);
  const everything = { feed: embedded.sql, lease: embedded.sql, replays: embedded.sql };
  const relay =
    redis && startRelay({ config, nodes: redis, sql: everything, clock: systemClock, log });
  const service = await startService({
    config,
    ...(redis ? { redis } : {}),
    ...(relay ? { beside: relay } : {}),
    sql,
    issuers,
    photoKeys,
    clock: systemClock,
    log,
    reflect,
  });
  await service.ready;

  const gate = new GateClient(`127.0.0.1:${service.grpcPort}`);
  const page = await startDemoPage({
    host: PAGE_HOST,
    port: options.pagePort,
    httpOrigin: `http://127.0.0.1:${service.httpPort}`,
    mintToken: (subject, audience, lifetimeS) =>
      mintToken(issuers, { issuer: 'wechat', subject, audience, lifetimeS, nowMs: Date.now() }),
    askGate: (token) => askGate(gate, token),
    gatePhoto: (photoId) => gate.photo(photoId).catch(() => undefined),
    session: embedded.session(),
    log,
  });
  const seeding = new AbortController();
  const photos = seedPhotos(embedded.session(), () => {}, seeding.signal).catch((error) =>
    log.error({ err: error }, 'the portraits could not all be drawn'),
  );
  for (const line of whatToTry(service, page.port, issuers, files.issuersFile)) say(line);
  await untilTold({
    async drain() {
      say('Draining …');
      seeding.abort();
      await photos;
      await page.close();
      gate.close();
      await service.drain();
      await closeDoor();
      await embedded.close();
    },
  });
}

async function askGate(gate: GateClient, token: string): Promise<GateAnswer> {
  try {
    const { color, ...answer } = await gate.ask({ token });
    return { ...answer, ...(color === undefined ? {} : { color: colorName(color) }) };
  } catch (error) {
    return { outcome: 'unavailable', reason: (error as Error).message };
  }
}

function whatToTry(
  service: Service,
  pagePort: number,
  issuers: Issuers,
  issuersFile: string,
): string[] {
  const { subject } = demoPerson(0);
  const mint = (audience: 'lookup-http' | 'lookup-gate', lifetimeS: number) =>
    mintToken(issuers, { issuer: 'wechat', subject, audience, lifetimeS, nowMs: Date.now() });
  const question = JSON.stringify({
    question: { token: mint('lookup-gate', GATE_TOKEN_LIFETIME_S) },
  });
  const bySubject = JSON.stringify({ question: { subject } });
  return [
    '',
    `The demo runs, with ${DEMO_PEOPLE_COUNT} people of whom none is real. Try:`,
    '',
    `  page    http://${PAGE_HOST}:${pagePort}`,
    '',
    '  phone   curl -s -H "Authorization: Bearer ' +
      mint('lookup-http', TOKEN_LIFETIME_S) +
      `" http://127.0.0.1:${service.httpPort}/v1/code`,
    '',
    `  gate    grpcurl -plaintext -d '${bySubject}' 127.0.0.1:${service.grpcPort} lookup.v1.LookupService/Lookup`,
    `          grpcurl -plaintext -d '${question}' 127.0.0.1:${service.grpcPort} lookup.v1.LookupService/Lookup`,
    '',
    `  change  npx lookup set-color ${subject} red`,
    '          npx lookup set-area 1 yellow --yes',
    `  tokens  npx lookup token --issuers ${issuersFile} --issuer wechat --subject ${subject}`,
    `  ops     curl -s http://127.0.0.1:${service.opsPort}/metrics`,
    '',
    'Ctrl-C ends it. What was changed is kept.',
  ];
}
