import { createConnection, type Socket } from 'node:net';

const CLOSING_BRACE = 0x7d;

/**
 * One connection of a phone: a question, its answer, the next. As little as a client can be, so that a load costs its
 * core less than the server costs its own. It trusts that an answer is one flat JSON object, or a problem.
 */
export class HttpLine {
  readonly #port: number;
  #socket: Socket;
  #rest = '';
  #onAnswer: ((answer: string) => void) | undefined;
  #onFailure: ((error: Error) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
    this.#socket = this.#connect();
  }

  #connect(): Socket {
    const socket = createConnection({ port: this.#port, host: '127.0.0.1', noDelay: true });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
    return socket;
  }

  static request(token: string): Buffer {
    return Buffer.from(
      `GET /v1/code HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      'latin1',
    );
  }

  /** One at a time. @param onAnswer gets status line, headers and body */
  ask(
    request: Buffer,
    onAnswer: (answer: string) => void,
    onFailure: (error: Error) => void,
  ): void {
    // A server closes what says nothing for a while.
    if (this.#socket.destroyed) this.#socket = this.#connect();
    this.#rest = '';
    this.#onAnswer = onAnswer;
    this.#onFailure = onFailure;
    this.#socket.write(request);
  }

  asked(request: Buffer): Promise<string> {
    return new Promise((resolve, reject) => this.ask(request, resolve, reject));
  }

  close(): void {
    this.#onFailure = undefined;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const text = this.#rest + chunk.latin1Slice(0, chunk.length);
    if (chunk[chunk.length - 1] !== CLOSING_BRACE) {
      this.#rest = text;
      return;
    }
    this.#rest = '';
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    // A line that is closed while nobody asks has failed nobody.
    this.#onFailure = undefined;
    onAnswer?.(text);
  }

  #fail(error: Error): void {
    const onFailure = this.#onFailure;
    this.#onFailure = undefined;
    onFailure?.(error);
  }
}

export const isFound = (answer: string) => answer.startsWith('HTTP/1.1 200');
