// The demo page's own server. It plays three parts that in a city belong to others: the back end of a
// front end (it mints the tokens that the phone shows), a gate (it asks over gRPC what the page's gate
// read), and an operator (it writes to the source). It listens on loopback only, and takes nothing from
// another origin: any page in the same browser could ask.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isId } from '../health-code.ts';
import type { Log } from '../log.ts';
import type { SqlSession } from '../source/sql.ts';
import { type Operator, operator } from './operator.ts';
import { loadPageFiles, type PageFile } from './page-files.ts';
import { demoPerson, PAGE_PEOPLE_COUNT } from './people.ts';
import { forward } from './proxy.ts';
import { qrMatrix } from './qr.ts';

/** What a gate was told, as plain values. */
export interface GateAnswer {
  readonly outcome: 'found' | 'absent' | 'unavailable' | 'shed' | 'refused';
  readonly color?: 'green' | 'yellow' | 'red' | undefined;
  readonly photoId?: string | undefined;
  readonly version?: number | undefined;
  readonly asOfMs?: number | undefined;
  readonly ageMs?: number | undefined;
  readonly fresh?: boolean | undefined;
  readonly layer?: string | undefined;
  readonly reason?: string | undefined;
}

export interface DemoPageOptions {
  /** A loopback address. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the phones' edge answers: http://127.0.0.1:8080 */
  readonly httpOrigin: string;
  mintToken(subject: string, audience: 'lookup-http' | 'lookup-gate', lifetimeS: number): string;
  /** One Lookup over gRPC. It may reject: the gate then shows "unavailable". */
  askGate(token: string): Promise<GateAnswer>;
  /** One GetPhoto over gRPC. */
  gatePhoto(photoId: string): Promise<{ mime: string; bytes: Uint8Array } | undefined>;
  readonly session: SqlSession;
  readonly log: Log;
}

export interface DemoPage {
  readonly port: number;
  close(): Promise<void>;
}

const PHONE_TOKEN_LIFETIME_S = 3_600;
/** The page asks for the next code at half of this; a gate refuses one that lives longer than 120 s. */
const CODE_LIFETIME_S = 90;
const TOKEN_CHARS_MAX = 300;
const BODY_BYTES_MAX = 2_048;

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** What the page asked for is wrong, or not allowed. The message is for whoever reads the network log. */
class PageError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** @throws when `host` is not loopback, or the port is taken */
export async function startDemoPage(options: DemoPageOptions): Promise<DemoPage> {
  if (!isLoopback(options.host))
    throw new Error(`the demo page listens on loopback only, not on ${options.host}`);
  const page = new Page(options, await loadPageFiles());
  const server = createServer((request, response) => void page.serve(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

class Page {
  readonly #options: DemoPageOptions;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #operator: Operator;

  constructor(options: DemoPageOptions, files: ReadonlyMap<string, PageFile>) {
    this.#options = options;
    this.#files = files;
    this.#operator = operator(options.session);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    try {
      checkHost(request);
      const { pathname } = new URL(request.url ?? '/', 'http://page');
      if (request.method === 'POST') await this.#post(pathname, request, response);
      else if (request.method === 'GET') await this.#get(pathname, request, response);
      else throw new PageError(405, 'GET and POST only');
    } catch (error) {
      this.#fail(response, error);
    }
  }

  #fail(response: ServerResponse, error: unknown): void {
    const status = error instanceof PageError ? error.status : 500;
    const message = error instanceof PageError ? error.message : 'the demo page failed';
    if (status === 500) this.#options.log.error({ err: error }, 'demo page: a request failed');
    if (response.headersSent) response.destroy();
    else sendJson(response, status, { error: message });
  }

  async #get(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path.startsWith('/v1/')) return forward(this.#options.httpOrigin, request, response);
    if (path === '/demo/state')
      return sendJson(response, 200, await this.#operator.state(PAGE_PEOPLE_COUNT));
    const file = this.#files.get(path);
    if (file) return sendBytes(response, file.mime, file.bytes, 'no-cache');
    const [, folder, kind, id] = path.split('/');
    if (folder === 'demo' && isId(id ?? '')) {
      const photo = await this.#photo(kind as string, id as string);
      if (photo) return sendBytes(response, photo.mime, photo.bytes, 'private, max-age=3600');
    }
    throw new PageError(404, 'no such page');
  }

  #photo(kind: string, id: string) {
    if (kind === 'gate-photo') return this.#options.gatePhoto(id);
    return kind === 'portrait' ? this.#operator.photo(id) : undefined;
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkOrigin(request);
    const body = await readJson(request);
    sendJson(response, 200, await this.#perform(path, body));
  }

  #perform(path: string, body: Record<string, unknown>): unknown {
    switch (path) {
      case '/demo/phone-token':
        return { token: this.#mint(body, 'lookup-http', PHONE_TOKEN_LIFETIME_S) };
      case '/demo/code': {
        const token = this.#mint(body, 'lookup-gate', CODE_LIFETIME_S);
        return { ...qrMatrix(token), lifetimeS: CODE_LIFETIME_S };
      }
      case '/demo/ask-gate':
        return this.#askGate(body.token);
      case '/demo/recolor-person':
        return this.#operator.recolorPerson(subjectOf(body), colorOf(body));
      case '/demo/recolor-area':
        return this.#operator.recolorArea(subjectOf(body), areaOf(body), colorOf(body));
      case '/demo/replace-photo':
        return this.#operator.replacePhoto(subjectOf(body));
      default:
        throw new PageError(404, 'no such button');
    }
  }

  #mint(body: Record<string, unknown>, audience: 'lookup-http' | 'lookup-gate', s: number): string {
    return this.#options.mintToken(subjectOf(body), audience, s);
  }

  async #askGate(token: unknown): Promise<GateAnswer & { tookMs: number }> {
    if (typeof token !== 'string' || token.length > TOKEN_CHARS_MAX)
      throw new PageError(400, 'token: a string of at most 300 characters');
    const start = performance.now();
    const answer = await this.#options
      .askGate(token)
      .catch((): GateAnswer => ({ outcome: 'unavailable', reason: 'no connection' }));
    return { ...answer, tookMs: performance.now() - start };
  }
}

/** A name that an attacker points at 127.0.0.1 is not one of these; the port may be another one's (a tunnel). */
function checkHost(request: IncomingMessage): void {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (!isLoopback(name)) throw new PageError(403, 'this page answers on loopback names only');
}

/** Browsers send Origin with every POST, and ask first before JSON goes to another origin: both are refused. */
function checkOrigin(request: IncomingMessage): void {
  if (request.headers.origin !== `http://${request.headers.host}`)
    throw new PageError(403, 'only from the page itself');
  if (request.headers['content-type'] !== 'application/json')
    throw new PageError(415, 'application/json only');
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += (part as Buffer).length;
    if (length > BODY_BYTES_MAX) throw new PageError(413, 'too long');
    parts.push(part as Buffer);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString());
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new PageError(400, 'a JSON object, please');
}

function subjectOf({ person }: Record<string, unknown>): string {
  if (Number.isInteger(person) && (person as number) >= 0 && (person as number) < PAGE_PEOPLE_COUNT)
    return demoPerson(person as number).subject;
  throw new PageError(400, `person: 0 to ${PAGE_PEOPLE_COUNT - 1}`);
}

function areaOf({ area }: Record<string, unknown>): number {
  if (Number.isInteger(area) && (area as number) >= 1 && (area as number) <= 16)
    return area as number;
  throw new PageError(400, 'area: 1 to 16');
}

function colorOf({ color }: Record<string, unknown>): 'green' | 'yellow' | 'red' {
  if (color === 'green' || color === 'yellow' || color === 'red') return color;
  throw new PageError(400, 'color: green, yellow or red');
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status;
  sendBytes(response, 'application/json', Buffer.from(JSON.stringify(body)), 'no-store');
}

function sendBytes(response: ServerResponse, mime: string, bytes: Uint8Array, cache: string): void {
  response.setHeader('Content-Type', mime);
  response.setHeader('Content-Length', bytes.length);
  response.setHeader('Cache-Control', cache);
  response.end(bytes);
}
