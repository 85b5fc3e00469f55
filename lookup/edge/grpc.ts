// The gates' door: Lookup, LookupStream, GetPhoto, and the standard health service.

import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { Clock } from '../clock.ts';
import { isId } from '../health-code.ts';
import type { Log } from '../log.ts';
import type { Lookup } from '../lookup.ts';
import type { EdgeMetrics, Refusal } from '../metrics.ts';
import type { Photos } from '../photo/photos.ts';
import type { Admission } from './admission.ts';
import { type Failure, GRPC, retryAfterMs, STATUS } from './status.ts';
import type { Tokens } from './tokens.ts';
import {
  AnswerWriter,
  decodeGetPhoto,
  decodeLookup,
  decodeLookupStream,
  type Ending,
  encodePhoto,
  type Question,
} from './wire.ts';

export interface GrpcOptions {
  readonly grpcHost: string;
  readonly grpcPort: number;
  readonly grpcMessageBytesMax: number;
  readonly deadlineGrpcMs: number;
  readonly streamQuestionsMax: number;
  readonly streamInFlightMax: number;
}

export interface GrpcParts {
  readonly lookup: Lookup;
  readonly admission: Admission;
  readonly photos: Photos;
  readonly tokens: Tokens;
  readonly metrics: EdgeMetrics;
  readonly clock: Clock;
  readonly log: Log;
  /** The source's epoch and its clock at most, to judge a writer's mark. */
  readonly source: { epoch(): string | undefined; nowAtMost(): number };
  /** Names the service to whoever asks; in the demo only. */
  readonly reflect?: (server: Server) => void;
}

export interface GrpcEdge {
  readonly port: number;
  /** Health says NOT_SERVING: balancers and clients move elsewhere. */
  retire(): void;
  /** No new connections and calls; ends when those under way have, or are ended at the time given. */
  close(withinMs: number): Promise<void>;
}

/** Until it has mutual TLS, a name alone would be enough to fetch a face. */
export class NotLoopbackError extends Error {
  constructor(host: string) {
    super(
      `LOOKUP_GRPC_HOST=${host}: without mutual TLS gRPC listens on loopback only (127.0.0.0/8, ::1, localhost)`,
    );
    this.name = 'NotLoopbackError';
  }
}

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;
const SERVICE = 'lookup.v1.LookupService';
const same = (bytes: Buffer) => bytes;

// Bytes reach the handlers as they are: what fails in `requestDeserialize` is INTERNAL to grpc-js, and not counted.
const DEFINITION: ServiceDefinition = {
  lookup: {
    path: `/${SERVICE}/Lookup`,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
  lookupStream: {
    path: `/${SERVICE}/LookupStream`,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
  getPhoto: {
    path: `/${SERVICE}/GetPhoto`,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};

const SERVER_OPTIONS = {
  // Per-call bookkeeping for a debugging service that nobody asks.
  'grpc.enable_channelz': 0,
  'grpc.max_concurrent_streams': 1_000,
  // So that gates spread over processes that came later; the jitter is grpc-js' own.
  'grpc.max_connection_age_ms': 300_000,
  'grpc.max_connection_age_grace_ms': 10_000,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 5_000,
};

export async function startGrpc(parts: GrpcParts, options: GrpcOptions): Promise<GrpcEdge> {
  if (!LOOPBACK.test(options.grpcHost)) throw new NotLoopbackError(options.grpcHost);
  const server = new Server({
    ...SERVER_OPTIONS,
    'grpc.max_receive_message_length': options.grpcMessageBytesMax,
  });
  const gate = new Gate(parts, options);
  server.addService(DEFINITION, gate.handlers());
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE]: 'SERVING' });
  health.addToServer(server);
  parts.reflect?.(server);
  const host = options.grpcHost.includes(':') ? `[${options.grpcHost}]` : options.grpcHost;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${host}:${options.grpcPort}`,
      ServerCredentials.createInsecure(),
      (error, bound) => {
        if (error)
          reject(
            new Error(
              `${host}:${options.grpcPort} cannot be listened on (LOOKUP_GRPC_PORT): ${error.message}`,
            ),
          );
        else resolve(bound);
      },
    );
  });
  return {
    port,
    retire() {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE, 'NOT_SERVING');
    },
    close: (withinMs) =>
      new Promise((resolve) => {
        gate.leave();
        // tryShutdown waits without limit for open streams (a watched health service is one), and never hears of those
        // that forceShutdown ends.
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, withinMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

type Call = ServerUnaryCall<Buffer, Buffer>;
type Stream = ServerDuplexStream<Buffer, Buffer>;

class Gate {
  readonly #parts: GrpcParts;
  readonly #options: GrpcOptions;
  readonly #metrics: EdgeMetrics;
  readonly #clock: Clock;
  readonly #writer = new AnswerWriter();
  readonly #lines = new Set<Line>();

  constructor(parts: GrpcParts, options: GrpcOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#metrics = parts.metrics;
    this.#clock = parts.clock;
  }

  /** Ends each stream once it is answered; its gate opens another, elsewhere. */
  leave(): void {
    for (const line of this.#lines) line.finish();
  }

  handlers(): UntypedServiceImplementation {
    return {
      lookup: (call: Call, callback: sendUnaryData<Buffer>) => this.#lookup(call, callback),
      lookupStream: (stream: Stream) => this.#lookupStream(stream),
      getPhoto: (call: Call, callback: sendUnaryData<Buffer>) => this.#getPhoto(call, callback),
    };
  }

  // --- the question

  /** @returns undefined when the bytes are no such message: counted */
  #read<T>(decode: (bytes: Buffer) => T, bytes: Buffer): T | undefined {
    try {
      return decode(bytes);
    } catch {
      this.#metrics.refused['message-malformed'] += 1;
      return undefined;
    }
  }
  /** Never throws, and never rejects: a failure belongs to its own question. */
  #ask(question: Question, deadlineMonoMs: number): Ending | Promise<Ending> {
    try {
      const { admission } = this.#parts;
      // Unread: to verify its token would cost most of what is to be saved.
      if (admission.dropsBacklog()) {
        admission.count('grpc', 'stalled');
        return { outcome: 'shed' };
      }
      const subject = this.#subjectOf(question);
      if (typeof subject !== 'string') return subject;
      const minAsOf = question.mark ? this.#minAsOf(question.mark) : -Infinity;
      if (minAsOf === undefined) return refused('mark-refused');
      const why = admission.refuse('grpc', this.#metrics.inFlight);
      const answer = this.#parts.lookup.find(subject, deadlineMonoMs, minAsOf, why === undefined);
      if (!(answer instanceof Promise)) {
        if (why !== undefined && answer.outcome === 'shed') admission.count('grpc', why);
        return answer;
      }
      this.#metrics.inFlight += 1;
      const startedMonoMs = this.#clock.monoMs();
      return answer
        .catch((error) => this.#failed(error))
        .finally(() => {
          this.#metrics.inFlight -= 1;
          admission.waited('grpc', this.#clock.monoMs() - startedMonoMs);
        });
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): Ending {
    this.#metrics.failures += 1;
    this.#parts.log.error({ err: error }, 'a gRPC question failed');
    return { outcome: 'unavailable', reason: 'source' };
  }

  #subjectOf(question: Question): string | Ending {
    if (question.subject !== undefined)
      return isId(question.subject) ? question.subject : refused('subject-malformed');
    if (question.token === undefined || question.token === '') return refused('question-empty');
    const { tokens } = this.#parts;
    const token = tokens.verify(question.token, this.#clock.wallMs());
    return typeof token === 'string' ? refused(`token-${token}`) : tokens.memory.subject(token);
  }

  /** @returns undefined when the mark is of another epoch, or ahead of the source's clock */
  #minAsOf(mark: NonNullable<Question['mark']>): number | undefined {
    const { source } = this.#parts;
    if (mark.sourceEpoch !== source.epoch()) return undefined;
    return mark.asOfMs > Math.ceil(source.nowAtMost()) ? undefined : mark.asOfMs;
  }

  #count(ending: Ending): void {
    if (ending.outcome === 'refused') this.#metrics.refused[ending.refusal] += 1;
    else this.#metrics.count(ending);
  }

  // --- Lookup

  #lookup(call: Call, callback: sendUnaryData<Buffer>): void {
    const question = this.#read(decodeLookup, call.request);
    if (!question) return callback(errorFor('message-malformed'));
    const startedMonoMs = this.#clock.monoMs();
    const ending = this.#ask(question, startedMonoMs + this.#allowedMs(call));
    if (!(ending instanceof Promise)) {
      this.#metrics.observe(0);
      this.#reply(question, ending, callback);
      return;
    }
    void ending.then((settled) => {
      this.#metrics.observe(this.#clock.monoMs() - startedMonoMs);
      if (call.cancelled) this.#metrics.aborted += 1;
      this.#reply(question, settled, callback);
    });
  }

  /** The caller's own deadline, when it is shorter. It is told by the wall clock, and counted by the monotonic one. */
  #allowedMs(call: { getDeadline(): Date | number }): number {
    const deadline = call.getDeadline();
    if (deadline === Infinity) return this.#options.deadlineGrpcMs;
    return Math.min(this.#options.deadlineGrpcMs, Number(deadline) - this.#clock.wallMs());
  }

  #reply(question: Question, ending: Ending, callback: sendUnaryData<Buffer>): void {
    this.#count(ending);
    const failure = failureOf(ending);
    if (failure) {
      callback(errorFor(failure));
      return;
    }
    this.#writer.append(question.requestId, ending, 0);
    callback(null, this.#writer.take());
  }

  // --- LookupStream

  /** Answers gather for a turn of the loop and leave in one message. A reader that is slow is not read from. */
  #lookupStream(stream: Stream): void {
    const line = new Line(stream, this.#options.streamInFlightMax);
    const drop = () => {
      line.drop();
      this.#lines.delete(line);
    };
    this.#lines.add(line);
    stream.on('close', drop);
    stream.on('data', (bytes: Buffer) => {
      if (line.ended) return;
      const questions = this.#read(decodeLookupStream, bytes);
      if (!questions) {
        // Not even a request id to answer to: the one failure that ends a stream.
        stream.emit('error', errorFor('message-malformed'));
        return;
      }
      const tooMany =
        questions.length > this.#options.streamQuestionsMax ||
        line.inFlight + questions.length >
          this.#options.streamInFlightMax + this.#options.streamQuestionsMax;
      const deadlineMonoMs = this.#clock.monoMs() + this.#options.deadlineGrpcMs;
      for (const question of questions) {
        const ending = tooMany
          ? refused('too-many-questions')
          : this.#ask(question, deadlineMonoMs);
        if (!(ending instanceof Promise)) {
          this.#metrics.observe(0);
          this.#append(line, question, ending);
          continue;
        }
        line.inFlight += 1;
        void ending.then((settled) => {
          line.inFlight -= 1;
          this.#metrics.observe(
            this.#clock.monoMs() - deadlineMonoMs + this.#options.deadlineGrpcMs,
          );
          this.#append(line, question, settled);
        });
      }
      line.hold();
    });
    stream.on('end', () => line.finish());
    stream.on('error', drop);
    stream.on('cancelled', () => {
      // A caller may leave by a reset once it has its last answer.
      if (line.owes) this.#metrics.aborted += 1;
      drop();
    });
  }

  #append(line: Line, question: Question, ending: Ending): void {
    this.#count(ending);
    line.append(question.requestId, ending);
  }

  // --- GetPhoto

  #getPhoto(call: Call, callback: sendUnaryData<Buffer>): void {
    const question = this.#read(decodeGetPhoto, call.request);
    if (!question) return callback(errorFor('message-malformed'));
    const { photoId } = question;
    if (!isId(photoId)) {
      this.#metrics.refused['subject-malformed'] += 1;
      callback(errorFor('subject-malformed'));
      return;
    }
    const why = this.#parts.admission.refuse('photo');
    if (why !== undefined) {
      this.#parts.admission.count('photo', why);
      callback(errorFor('shed'));
      return;
    }
    Promise.resolve()
      .then(() => this.#parts.photos.find(photoId))
      .then(
        (answer) => {
          if (answer.outcome === 'shed') this.#parts.admission.count('photo', 'in-flight');
          if (answer.outcome === 'found')
            callback(null, encodePhoto(answer.photo.mime, answer.photo.bytes));
          else callback(errorFor(answer.outcome === 'absent' ? 'photo-absent' : answer.outcome));
        },
        (error) => {
          this.#failed(error);
          callback(errorFor('internal'));
        },
      );
  }
}

/** One stream's answers on their way out. */
class Line {
  inFlight = 0;
  readonly #stream: Stream;
  readonly #inFlightMax: number;
  readonly #writer = new AnswerWriter();
  #flushing = false;
  #ended = false;
  #dropped = false;
  #blocked = false;

  constructor(stream: Stream, inFlightMax: number) {
    this.#stream = stream;
    this.#inFlightMax = inFlightMax;
    stream.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
  }

  append(requestId: Question['requestId'], ending: Ending): void {
    if (this.#dropped) return;
    const failure = failureOf(ending);
    this.#writer.append(requestId, ending, (failure && retryAfterMs(failure)) ?? 0);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  /** Reads no further while too much waits, in either direction. */
  hold(): void {
    if (this.inFlight >= this.#inFlightMax || this.#blocked) this.#stream.pause();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether anybody waits for an answer of it. */
  get owes(): boolean {
    return this.inFlight > 0 || this.#writer.length > 0;
  }

  /** Nothing more is asked, or listened to; the stream ends once all is answered. */
  finish(): void {
    this.#ended = true;
    if (!this.#flushing) this.#flush();
  }

  drop(): void {
    this.#dropped = true;
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#dropped || this.#blocked) return;
    if (this.#writer.length > 0) this.#blocked = !this.#stream.write(this.#writer.take());
    if (this.#blocked) return;
    if (this.#stream.isPaused() && this.inFlight < this.#inFlightMax) this.#stream.resume();
    if (this.#ended && this.inFlight === 0) this.#stream.end();
  }
}

const refused = (refusal: Refusal): Ending => ({ outcome: 'refused', refusal });

/** Found and absent are answers; everything else is a failure with a status. */
function failureOf(ending: Ending): Failure | undefined {
  switch (ending.outcome) {
    case 'found':
    case 'absent':
      return undefined;
    case 'shed':
      return 'shed';
    case 'refused':
      return ending.refusal;
    default:
      return ending.reason === 'deadline' ? 'deadline' : 'unavailable';
  }
}

function errorFor(failure: Failure) {
  const metadata = new Metadata();
  metadata.set('lookup-problem', failure);
  const waitMs = retryAfterMs(failure);
  if (waitMs !== undefined) metadata.set('grpc-retry-pushback-ms', String(waitMs));
  const { grpc, title } = STATUS[failure];
  return { code: grpc === GRPC.OK ? GRPC.INTERNAL : grpc, details: title, metadata };
}
