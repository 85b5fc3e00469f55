// One server of a bench run, in a process of its own. Its parent asks by IPC how much CPU it has used.

import { createServer as createHttp2Server } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { lookup } from '../../proto/lookup/v1/lookup.js';
import { systemClock } from '../clock.ts';
import { configWith } from '../config.ts';
import { Admission } from '../edge/admission.ts';
import { loadUws } from '../edge/uws.ts';
import { noLog } from '../log.ts';
import { startService } from '../service.ts';
import { MadeSql } from './made-sql.ts';
import { subjectOf } from './population.ts';
import { ISSUERS, PHOTO_KEYS, relayServer, serviceServer } from './server-system.ts';

export type ServerKind = 'bare-http' | 'lookup' | 'bare-http2' | 'empty-grpc' | 'service' | 'relay';

export interface ServerPorts {
  readonly http?: number;
  readonly grpc?: number;
  readonly ops?: number;
}

const { v1 } = lookup;

/** As long as a real answer: same status, headers and body length. */
const BODY = Buffer.from(
  `{"color":"green","photo":"/v1/photo/${'x'.repeat(22)}?exp=1795496400&sig=b1.${'x'.repeat(22)}",` +
    '"as_of":"2026-01-01T09:00:00.000Z"}',
);

const ANSWER = {
  answer: {
    found: {
      color: 1,
      photoId: 'x'.repeat(21).concat('A'),
      version: 1_000_000,
      asOf: { seconds: 1_795_490_000, nanos: 123_000_000 },
      ageMs: 20,
      fresh: true,
      layer: 1,
    },
  },
};

function bareHttp(): Promise<ServerPorts> {
  const { uws } = loadUws();
  const type = Buffer.from('content-type');
  const json = Buffer.from('application/json');
  const cache = Buffer.from('cache-control');
  const noStore = Buffer.from('no-store');
  return new Promise((resolve) => {
    uws
      .App()
      .get('/v1/code', (res) => {
        res.writeHeader(type, json).writeHeader(cache, noStore);
        res.end(BODY);
      })
      .listen('127.0.0.1', 0, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) =>
        resolve({ http: uws.us_socket_local_port(socket) }),
      );
  });
}

/** gRPC's framing on Node's own HTTP/2, and nothing else: what any server in this process would cost at least. */
function bareHttp2(): Promise<ServerPorts> {
  const message = Buffer.from(
    v1.LookupResponse.encode(ANSWER as lookup.v1.ILookupResponse).finish(),
  );
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const server = createHttp2Server();
  server.on('stream', (stream) => {
    stream.on('data', () => {});
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc+proto' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(frame);
    });
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ grpc: (server.address() as { port: number }).port }),
    ),
  );
}

function emptyGrpc(): Promise<ServerPorts> {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService(
    {
      lookup: {
        path: '/lookup.v1.LookupService/Lookup',
        requestStream: false,
        responseStream: false,
        requestSerialize: (request: lookup.v1.ILookupRequest) =>
          Buffer.from(v1.LookupRequest.encode(request).finish()),
        requestDeserialize: (bytes: Buffer) => v1.LookupRequest.decode(bytes),
        responseSerialize: (response: lookup.v1.ILookupResponse) =>
          Buffer.from(v1.LookupResponse.encode(response).finish()),
        responseDeserialize: (bytes: Buffer) => v1.LookupResponse.decode(bytes),
      },
    },
    {
      lookup: (_: unknown, callback: (error: null, answer: typeof ANSWER) => void) =>
        callback(null, ANSWER),
    },
  );
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve({ grpc: port }),
    ),
  );
}

interface LookupServer {
  readonly people: number;
  readonly tokensMax: number;
  /** As under a crowd: whose token is new is refused unread. */
  readonly refusing?: boolean;
}

async function lookupServer({ people, tokensMax, refusing }: LookupServer): Promise<ServerPorts> {
  const config = configWith({
    httpPort: 0,
    grpcPort: 0,
    opsPort: 0,
    memoryRecordsMax: people,
    tokensMax,
    sourceQueriesPerS: 100_000,
    sourceQueueMax: 2_000_000,
  });
  const made = new MadeSql(people);
  const service = await startService({
    config,
    sql: { lookups: made, feed: made, photos: made },
    issuers: ISSUERS,
    photoKeys: PHOTO_KEYS,
    clock: systemClock,
    log: noLog,
  });
  await service.ready;
  for (let n = 0; n < people; n += 5_000) {
    const some = Array.from({ length: Math.min(5_000, people - n) }, (_, i) => subjectOf(n + i));
    await Promise.all(
      some.map((subject) => service.lookup.find(subject, performance.now() + 10_000)),
    );
  }
  if (refusing) Admission.prototype.refuse = () => 'delay';
  return { http: service.httpPort, grpc: service.grpcPort };
}

const kind = process.argv[2];
const options = JSON.parse(process.env.BENCH_OPTIONS ?? '{}');
const START: Record<ServerKind, () => Promise<ServerPorts>> = {
  'bare-http': bareHttp,
  'bare-http2': bareHttp2,
  'empty-grpc': emptyGrpc,
  lookup: () => lookupServer(options),
  service: () => serviceServer(options),
  relay: () => relayServer(options),
};
const ports = await START[kind as ServerKind]();
process.on('message', () =>
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }),
);
process.on('disconnect', () => process.exit(0));
process.send?.({ ports });
