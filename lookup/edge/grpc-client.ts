import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { lookup } from '../../proto/lookup/v1/lookup.js';
import { type ReadAnswer, readAnswer } from './wire.ts';

const { v1 } = lookup;

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
        `/lookup.v1.LookupService/${method}`,
        (bytes: Uint8Array) => Buffer.from(bytes),
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
