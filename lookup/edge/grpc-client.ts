import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { lookup } from '../../proto/lookup/v1/lookup.js';
import { type ReadAnswer, readAnswer } from './wire.ts';

const { v1 } = lookup;
const SERVICE = '/lookup.v1.LookupService';
const same = (bytes: Uint8Array) => Buffer.from(bytes);

/** What a stream is asked at once, and what is under way on it: within what any process takes. */
const QUESTIONS_A_MESSAGE = 64;
const UNDER_WAY_MAX = 512;

/** A writer's mark as a question carries it. @param asOfMs on the source's clock */
export function markOf(sourceEpoch: string, asOfMs: number): lookup.v1.IMark {
  const seconds = Math.floor(asOfMs / 1_000);
  return { sourceEpoch, asOf: { seconds, nanos: Math.round((asOfMs - seconds * 1_000) * 1e6) } };
}

/** A gate: asks this service over gRPC, as anybody's gate would. */
export class GateClient {
  readonly #client: Client;

  /** @param address host:port, plain text */
  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.enable_channelz': 0 });
  }

  /** Rejects with the call's status when it is not OK: what was refused, shed or unavailable. */
  async ask(question: lookup.v1.IQuestion, timeoutMs = 1_000): Promise<ReadAnswer> {
    const request = v1.LookupRequest.encode({ question }).finish();
    const response = await this.#call(
      'Lookup',
      request,
      (bytes) => v1.LookupResponse.decode(bytes),
      timeoutMs,
    );
    return readAnswer(response.answer);
  }

  /**
   * Many on one stream.
   * @param questions without a request id
   * @returns their answers, in the same order; one for each, or rejects with the stream's status
   */
  askAll(
    questions: readonly lookup.v1.IQuestion[],
    timeoutMs = 5_000,
  ): Promise<readonly ReadAnswer[]> {
    if (questions.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const answers: ReadAnswer[] = new Array(questions.length);
      let asked = 0;
      let answered = 0;
      const stream = this.#client.makeBidiStreamRequest(
        `${SERVICE}/LookupStream`,
        same,
        (bytes: Buffer) => v1.LookupStreamResponse.decode(bytes),
        { deadline: Date.now() + timeoutMs },
      );
      const send = () => {
        while (asked < questions.length && asked - answered < UNDER_WAY_MAX) {
          const some = questions
            .slice(asked, asked + QUESTIONS_A_MESSAGE)
            .map((question, i) => ({ ...question, requestId: asked + i }));
          asked += some.length;
          stream.write(v1.LookupStreamRequest.encode({ questions: some }).finish());
        }
      };
      stream.on('data', (message: lookup.v1.ILookupStreamResponse) => {
        for (const answer of (message.answers ?? []).map(readAnswer)) {
          if (answers[answer.requestId] === undefined) answered += 1;
          answers[answer.requestId] = answer;
        }
        if (answered < questions.length) send();
        else stream.end();
      });
      stream.on('error', reject);
      stream.on('end', () => {
        if (answered === questions.length) resolve(answers);
        else reject(new Error('the stream ended before all was answered'));
      });
      send();
    });
  }

  /** Rejects when there is none, or it cannot be had now. */
  async photo(photoId: string, timeoutMs = 2_000): Promise<{ mime: string; bytes: Uint8Array }> {
    const request = v1.GetPhotoRequest.encode({ photoId }).finish();
    const response = await this.#call(
      'GetPhoto',
      request,
      (bytes) => v1.GetPhotoResponse.decode(bytes),
      timeoutMs,
    );
    return { mime: response.mimeType ?? '', bytes: response.image ?? new Uint8Array() };
  }

  #call<T>(
    method: string,
    request: Uint8Array,
    read: (bytes: Buffer) => T,
    timeoutMs: number,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `${SERVICE}/${method}`,
        same,
        read,
        request,
        { deadline: Date.now() + timeoutMs },
        (error: ServiceError | null, response) => (error ? reject(error) : resolve(response as T)),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}
