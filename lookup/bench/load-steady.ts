// So many lookups a second, half over HTTP and half over gRPC's streams, whatever the answers take: in a process of its
// own, until its parent is gone. A message from the parent is answered with what came since the last.
// usage: load-steady.js '{"doors":[{"http":…,"grpc":…}],"perS":…,"people":…,"tokensFile":…}'

import { readFileSync } from 'node:fs';
import { type ClientHttp2Stream, connect } from 'node:http2';
import { lookup } from '../../proto/lookup/v1/lookup.js';
import { HttpLine, isFound } from './http-line.ts';
import { subjectOf } from './population.ts';

const { v1 } = lookup;
const TICK_MS = 4;
/** Of these, whoever has no answer yet is waiting: beyond that a question is counted as not asked. */
const LINES = 256;

export interface SteadyOptions {
  readonly doors: readonly { readonly http: number; readonly grpc: number }[];
  readonly perS: number;
  readonly people: number;
  readonly tokensFile: string;
}

export interface SteadyReport {
  seconds: number;
  answers: number;
  /** Marked as such. */
  stale: number;
  /** Anything but a color. */
  failed: number;
  /** Those, by what was said instead. */
  said: Record<string, number>;
  /** No connection was free when its time came. */
  unasked: number;
  /** From the moment it was to be asked; HTTP alone. */
  slowestMs: number;
}

const options = JSON.parse(process.argv[2] as string) as SteadyOptions;
const requests = readFileSync(options.tokensFile, 'utf8')
  .trimEnd()
  .split('\n')
  .map((token) => HttpLine.request(token));

const nothing = (): SteadyReport => ({
  seconds: 0,
  answers: 0,
  stale: 0,
  failed: 0,
  said: {},
  unasked: 0,
  slowestMs: 0,
});
let report = nothing();
let since = performance.now();
let asked = 0;

function fail(said: string): void {
  report.failed += 1;
  report.said[said] = (report.said[said] ?? 0) + 1;
}

const subject = (i: number) => subjectOf((i * 7919) % options.people);

class Phones {
  readonly #free: HttpLine[];

  constructor(port: number) {
    this.#free = Array.from({ length: LINES }, () => new HttpLine(port));
  }

  ask(i: number): void {
    const line = this.#free.pop();
    if (!line) {
      report.unasked += 1;
      return;
    }
    const began = performance.now();
    line.ask(
      requests[i % requests.length] as Buffer,
      (answer) => {
        this.#free.push(line);
        report.slowestMs = Math.max(report.slowestMs, performance.now() - began);
        if (isFound(answer)) report.answers += 1;
        else fail(`HTTP: ${answer.slice(9, 12)} ${/"type":"([^"]*)"/.exec(answer)?.[1]}`);
        if (answer.includes('"stale"')) report.stale += 1;
      },
      (error) => {
        this.#free.push(line);
        fail(error.message);
      },
    );
  }
}

class Gate {
  readonly #stream: ClientHttp2Stream;
  #rest: Buffer = Buffer.alloc(0);

  constructor(port: number) {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', (error) => fail(error.message));
    this.#stream = session.request({
      ':method': 'POST',
      ':path': '/lookup.v1.LookupService/LookupStream',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#stream.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#stream.on('error', () => {});
    this.#stream.on('close', () => fail('the stream was closed'));
  }

  ask(i: number): void {
    const question = { requestId: i + 1, subject: subject(i) };
    const message = v1.LookupStreamRequest.encode({ questions: [question] }).finish();
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    frame.set(message, 5);
    this.#stream.write(frame);
  }

  #read(chunk: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (this.#rest.length >= 5) {
      const end = 5 + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) return;
      const { answers } = v1.LookupStreamResponse.decode(this.#rest.subarray(5, end));
      for (const { found, unavailable, ...other } of answers ?? []) {
        if (found) report.answers += 1;
        else
          fail(
            `gRPC: ${unavailable ? v1.Unavailable.Reason[unavailable.reason as number] : Object.keys(other)}`,
          );
        if (found && !found.fresh) report.stale += 1;
      }
      this.#rest = this.#rest.subarray(end);
    }
  }
}

const askers = options.doors.flatMap(({ http, grpc }) => [new Phones(http), new Gate(grpc)]);
const began = performance.now();
setInterval(() => {
  const due = ((performance.now() - began) / 1_000) * options.perS;
  for (; asked < due; asked++) askers[asked % askers.length]?.ask(asked);
}, TICK_MS);

process.on('message', () => {
  const now = performance.now();
  process.send?.({ ...report, seconds: (now - since) / 1_000 });
  report = nothing();
  since = now;
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
