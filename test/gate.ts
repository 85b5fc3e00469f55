// A gate of the tests: speaks gRPC as any gate would, and keeps what a client library would hide.

import {
  Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { type ReadAnswer, readAnswer } from '../lookup/edge/wire.ts';
import { lookup } from '../proto/lookup/v1/lookup.js';
import { until } from './wait.ts';

const { v1 } = lookup;
const SERVICE = '/lookup.v1.LookupService';
const same = (bytes: Uint8Array) => Buffer.from(bytes);

/** How a unary call ended. */
export interface Ended {
  readonly code: number;
  readonly details: string;
  /** `grpc-retry-pushback-ms` of the trailers. */
  readonly pushbackMs: number | undefined;
  readonly problem: string | undefined;
  readonly answer: ReadAnswer | undefined;
  readonly bytes: Buffer | undefined;
  readonly ms: number;
}

export type Question = lookup.v1.IQuestion;

export class Gate {
  readonly client: Client;

  constructor(port: number) {
    // A connection of its own: else all clients of this process share one.
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_channelz': 0,
    });
  }

  async lookup(question: Question | undefined, timeoutMs = 5_000): Promise<Ended> {
    const request = v1.LookupRequest.encode(question ? { question } : {}).finish();
    const ended = await this.unary('Lookup', request, timeoutMs);
    if (!ended.bytes) return ended;
    return { ...ended, answer: readAnswer(v1.LookupResponse.decode(ended.bytes).answer) };
  }

  async photo(photoId: string): Promise<Ended & { image?: Uint8Array; mime?: string }> {
    const ended = await this.unary('GetPhoto', v1.GetPhotoRequest.encode({ photoId }).finish());
    if (!ended.bytes) return ended;
    const { image, mimeType } = v1.GetPhotoResponse.decode(ended.bytes);
    return { ...ended, image: image as Uint8Array, mime: mimeType as string };
  }

  unary(method: string, request: Uint8Array, timeoutMs = 5_000): Promise<Ended> {
    return new Promise((resolve) => {
      this.call(method, request, timeoutMs, resolve);
    });
  }

  /** For calls that are cancelled. */
  call(
    method: string,
    request: Uint8Array,
    timeoutMs: number,
    ended: (how: Ended) => void,
  ): ClientUnaryCall {
    const begun = performance.now();
    return this.client.makeUnaryRequest(
      method.startsWith('/') ? method : `${SERVICE}/${method}`,
      same,
      same,
      request,
      new Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error: ServiceError | null, bytes) => {
        const first = (name: string) => error?.metadata?.get(name)[0]?.toString();
        const pushback = first('grpc-retry-pushback-ms');
        ended({
          code: error?.code ?? 0,
          details: error?.details ?? '',
          pushbackMs: pushback === undefined ? undefined : Number(pushback),
          problem: first('lookup-problem'),
          answer: undefined,
          bytes: error ? undefined : bytes,
          ms: performance.now() - begun,
        });
      },
    );
  }

  line(): Line {
    return new Line(
      this.client.makeBidiStreamRequest(`${SERVICE}/LookupStream`, same, same, new Metadata()),
    );
  }

  close(): void {
    this.client.close();
  }
}

/** One LookupStream. */
export class Line {
  readonly stream: ClientDuplexStream<Uint8Array, Buffer>;
  readonly answers: ReadAnswer[] = [];
  /** Messages received, by the count of their answers. */
  readonly messages: number[] = [];
  status: { code: number; details: string } | undefined;

  constructor(stream: ClientDuplexStream<Uint8Array, Buffer>) {
    this.stream = stream;
    stream.on('data', (bytes: Buffer) => {
      const answers = v1.LookupStreamResponse.decode(bytes).answers ?? [];
      this.messages.push(answers.length);
      this.answers.push(...answers.map(readAnswer));
    });
    stream.on('status', ({ code, details }) => {
      this.status = { code, details };
    });
    stream.on('error', () => {});
  }

  ask(...questions: Question[]): void {
    this.stream.write(v1.LookupStreamRequest.encode({ questions }).finish());
  }

  async answered(count: number, timeoutMs = 5_000): Promise<ReadAnswer[]> {
    await until(() => this.answers.length >= count, {
      what: `${count} answers on the stream (${JSON.stringify(this.status)})`,
      timeoutMs,
    });
    return this.answers;
  }

  async one(question: Question): Promise<ReadAnswer> {
    this.ask(question);
    const answered = () => this.answers.find((a) => a.requestId === Number(question.requestId));
    return until(answered, { what: `an answer to question ${question.requestId}` });
  }

  /** Half-closes and waits for the end. */
  async end(): Promise<{ code: number; details: string }> {
    this.stream.end();
    return until(() => this.status, { what: 'the stream ends' });
  }
}
