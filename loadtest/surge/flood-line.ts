// One connection of the flood: a question, its answer, the next. As little as a client can be: what it costs, the
// services on the same machine lack, and what it is late, it hears its answers late.

import { createConnection, type Socket } from 'node:net';

export interface FloodLineOptions {
  readonly host: string;
  readonly port: number;
  /** Asked one after the other, over and over. */
  readonly requests: readonly Buffer[];
  /** @param status 0: it was cut off, or nobody spoke for so long */
  readonly onHeard: (status: number, ms: number) => void;
  /** Nobody waits for longer. */
  readonly patienceMs: number;
}

/** Who was cut off comes back no sooner. */
const AGAIN_AFTER_MS = 1_000;
/** An answer is one flat JSON object: it ends with the only one that there is. */
const CLOSING_BRACE = 0x7d;
/** `HTTP/1.1 503` */
const STATUS_AT = 9;
const ZERO = 0x30;
/** What is read is looked at before anything else is: all connections share it. */
const READ = Buffer.allocUnsafeSlow(65_536);

export class FloodLine {
  readonly #options: FloodLineOptions;
  #socket: Socket | undefined;
  #next = 0;
  #askedAtMs: number | undefined;
  #notBeforeMs = 0;
  #status = 0;
  /** It was due while it waited. */
  #owes = false;

  constructor(options: FloodLineOptions) {
    this.#options = options;
  }

  /** Asks now, or as soon as it has been answered. */
  ask(nowMs: number): void {
    if (this.#askedAtMs !== undefined) {
      if (nowMs - this.#askedAtMs > this.#options.patienceMs) this.#cutOff(nowMs);
      else this.#owes = true;
      return;
    }
    if (nowMs < this.#notBeforeMs) return;
    const { requests } = this.#options;
    this.#socket ??= this.#connect();
    this.#status = 0;
    this.#askedAtMs = nowMs;
    this.#socket.write(requests[this.#next++ % requests.length] as Buffer);
  }

  end(): void {
    this.#askedAtMs = undefined;
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const { host, port } = this.#options;
    const onread = { buffer: READ, callback: (length: number) => this.#read(length) };
    const socket = createConnection({ host, port, noDelay: true, onread });
    const over = () => {
      if (this.#socket === socket) this.#cutOff(performance.now());
    };
    socket.on('error', over);
    socket.on('end', over);
    socket.on('close', over);
    return socket;
  }

  #read(length: number): boolean {
    if (this.#askedAtMs === undefined) return true;
    if (this.#status === 0)
      this.#status = [0, 1, 2].reduce((sum, i) => sum * 10 + digit(STATUS_AT + i), 0);
    if (READ[length - 1] !== CLOSING_BRACE) return true;
    const nowMs = performance.now();
    this.#settle(this.#status, nowMs);
    if (this.#owes) this.ask(nowMs);
    this.#owes = false;
    return true;
  }

  #cutOff(nowMs: number): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#owes = false;
    this.#notBeforeMs = nowMs + AGAIN_AFTER_MS;
    if (this.#askedAtMs !== undefined) this.#settle(0, nowMs);
  }

  #settle(status: number, nowMs: number): void {
    const askedAtMs = this.#askedAtMs as number;
    this.#askedAtMs = undefined;
    this.#options.onHeard(status, nowMs - askedAtMs);
  }
}

const digit = (at: number) => (READ[at] as number) - ZERO;
