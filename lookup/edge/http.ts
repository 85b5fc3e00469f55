// The phones' door: GET /v1/code and GET /v1/photo/<id>.
//
// uWebSockets.js ends the process from C++, past any uncaughtException handler, when a handler returns without an
// answer or an abort handler (its issue #1296). So every handler runs inside `guarded`, and an answer that comes
// later attaches the abort handler first. `req` is gone once the handler returns; `res` once the client is.

import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { type Answer, COLOR_NAMES, type Found, isId } from '../health-code.ts';
import type { Log } from '../log.ts';
import type { Lookup } from '../lookup.ts';
import type { EdgeMetrics, Refusal } from '../metrics.ts';
import type { PhotoAddresses } from '../photo/address.ts';
import type { Photos } from '../photo/photos.ts';
import type { Photo } from '../source/source.ts';
import type { Admission, Cause } from './admission.ts';
import { type Failure, problemType, retryAfterMs, STATUS } from './status.ts';
import { type RateOptions, SubjectRates } from './subject-rates.ts';
import { NOWHERE, type Place, type TokenMemory } from './token-memory.ts';
import type { TokenFault, Tokens } from './tokens.ts';
import { loadUws, type UwsApp, type UwsRequest, type UwsResponse } from './uws.ts';

export interface HttpOptions extends RateOptions {
  readonly httpHost: string;
  readonly httpPort: number;
  readonly deadlineHttpMs: number;
}

export interface HttpParts {
  readonly lookup: Lookup;
  readonly admission: Admission;
  readonly photos: Photos;
  readonly addresses: PhotoAddresses;
  readonly tokens: Tokens;
  readonly metrics: EdgeMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

export interface HttpEdge {
  readonly port: number;
  /** Who waits for an answer, or has not taken all of a photo yet. */
  readonly unfinished: number;
  /** From now on each answer closes its connection, so that clients move elsewhere. */
  retire(): void;
  stopListening(): void;
  /** Ends what is still open. */
  close(): void;
}

const JSON_TYPE = Buffer.from('application/json');
const NO_STORE = Buffer.from('no-store');
const CONTENT_TYPE = Buffer.from('content-type');
const CACHE_CONTROL = Buffer.from('cache-control');
const PHOTO_CACHE = 'private, max-age=31536000, immutable';
const BEARER = 'Bearer ';
const ISO_LENGTH = 24;
const NO_TIME = '0'.repeat(ISO_LENGTH);
const SHED = { outcome: 'shed' } as const;
const PROBLEM_TYPE = Buffer.from('application/problem+json');
/** What is the same each time: to refuse must cost little. */
const PROBLEMS = Object.fromEntries(
  Object.entries(STATUS).map(([failure, { http, reason, title }]) => {
    const body = { type: problemType(failure as Failure), title, status: http, request_id: '' };
    const problem = {
      status: Buffer.from(`${http} ${reason}`),
      unauthorized: http === 401,
      notAllowed: http === 405,
      /** An id of a request needs no escaping, and ends it. */
      beginning: JSON.stringify(body).slice(0, -'"}'.length),
    };
    return [failure, problem];
  }),
) as Readonly<Record<Failure, Problem>>;

interface Problem {
  readonly status: Buffer;
  readonly unauthorized: boolean;
  readonly notAllowed: boolean;
  readonly beginning: string;
}

export function startHttp(parts: HttpParts, options: HttpOptions): Promise<HttpEdge> {
  const { uws, build, sha256 } = loadUws();
  parts.log.info({ build, sha256: sha256.slice(0, 12) }, 'uWebSockets.js');
  const door = new Door(parts, options);
  const app = uws.App();
  door.routes(app);
  return new Promise((resolve, reject) => {
    app.listen(options.httpHost, options.httpPort, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
      if (!socket) {
        reject(
          new Error(
            `${options.httpHost}:${options.httpPort} cannot be listened on: another process has it (LOOKUP_HTTP_PORT)`,
          ),
        );
        return;
      }
      let listening = true;
      const stopListening = () => {
        if (listening) uws.us_listen_socket_close(socket);
        listening = false;
      };
      resolve({
        port: uws.us_socket_local_port(socket),
        get unfinished() {
          return door.unfinished;
        },
        retire: () => door.retire(),
        stopListening,
        close() {
          listening = false;
          app.close();
        },
      });
    });
  });
}

/** One request that waits: whether its client is still there. */
interface Pending {
  gone: boolean;
  /** Its answer is there, and counted out; it may still be on its way to the client. */
  settled: boolean;
  readonly startedMonoMs: number;
  /** They are slower, and say nothing of the time that a color takes. */
  readonly isPhoto: boolean;
  /** Its photo is on the way, and no more of it is taken. */
  stopSending?: () => void;
}

class Door {
  readonly #parts: HttpParts;
  readonly #options: HttpOptions;
  readonly #metrics: EdgeMetrics;
  readonly #tokens: Tokens;
  readonly #remembered: TokenMemory;
  readonly #rates: SubjectRates;
  readonly #lookup: Lookup;
  readonly #clock: Clock;
  readonly #admission: Admission;
  #retiring = false;
  #photosInFlight = 0;
  /** Answered, and not yet taken in whole by their readers. */
  #photosOnTheirWay = 0;
  #asOf = Number.NaN;
  #asOfText = '';

  constructor(parts: HttpParts, options: HttpOptions) {
    this.#parts = parts;
    this.#admission = parts.admission;
    this.#options = options;
    this.#metrics = parts.metrics;
    this.#tokens = parts.tokens;
    this.#remembered = parts.tokens.memory;
    this.#rates = new SubjectRates(options);
    this.#lookup = parts.lookup;
    this.#clock = parts.clock;
  }

  retire(): void {
    this.#retiring = true;
  }

  get unfinished(): number {
    return this.#metrics.inFlight + this.#photosOnTheirWay;
  }

  routes(app: UwsApp): void {
    app.get(
      '/v1/code',
      this.#guarded((res, req) => this.#code(res, req)),
    );
    app.get(
      '/v1/photo/:id',
      this.#guarded((res, req) => this.#photo(res, req)),
    );
    app.any(
      '/v1/code',
      this.#guarded((res, req) => this.#refuse(res, req, 'method')),
    );
    app.any(
      '/v1/photo/:id',
      this.#guarded((res, req) => this.#refuse(res, req, 'method')),
    );
    app.any(
      '/*',
      this.#guarded((res, req) => this.#refuse(res, req, 'no-such-path')),
    );
  }

  /** A throw becomes a 500 and a log line, never an abort of the process. */
  #guarded(handler: (res: UwsResponse, req: UwsRequest) => void) {
    return (res: UwsResponse, req: UwsRequest) => {
      try {
        handler(res, req);
      } catch (error) {
        this.#failed(res, error, requestId(req));
      }
    };
  }

  #failed(res: UwsResponse, error: unknown, id: string): void {
    this.#metrics.failures += 1;
    this.#parts.log.error({ err: error, request_id: id }, 'an HTTP handler threw');
    try {
      this.#problem(res, 'internal', id);
    } catch {
      // The answer had been sent, or the client is gone: nothing to say any more.
    }
  }

  // --- GET /v1/code

  #code(res: UwsResponse, req: UwsRequest): void {
    if (hasBody(req)) return this.#refuse(res, req, 'body');
    const why = this.#admission.refuse('http', this.#metrics.inFlight - this.#photosInFlight);
    if (why === 'stalled') return this.#shed(res, req, why);
    const authorization = req.getHeader('authorization');
    const bearer = authorization.startsWith(BEARER) ? authorization.slice(BEARER.length) : '';
    const remembered = this.#remembered;
    const place = remembered.find(bearer);
    const isNew = place === NOWHERE && bearer !== '';
    // Unread: to verify its token would cost most of what is to be saved.
    if (why === 'delay' && isNew) return this.#shed(res, req, why);
    const now = this.#clock.wallMs();
    const token = this.#tokens.verify(bearer, now, place);
    if (typeof token === 'string') {
      if (isNew) this.#admission.newcomer();
      return this.#refuse(res, req, tokenRefusal(token));
    }
    const startedMonoMs = this.#clock.monoMs();
    if (!remembered.allows(token, this.#rates, startedMonoMs)) return this.#tooMany(res, req);
    const recalled = this.#lookup.recall(remembered.slot(token), remembered.version(token));
    if (recalled !== undefined) {
      this.#metrics.count(recalled);
      this.#metrics.observe(0);
      return this.#found(res, token, recalled, now);
    }
    // What is refused costs the layers below nothing.
    const answer = this.#lookup.find(
      remembered.subject(token),
      startedMonoMs + this.#options.deadlineHttpMs,
      -Infinity,
      why === undefined,
    );
    if (!(answer instanceof Promise)) {
      if (answer.outcome !== 'shed') {
        if (isNew) this.#admission.newcomer();
      } else if (why !== undefined) this.#admission.count('http', why);
      this.#metrics.observe(0);
      return this.#answer(res, req, token, answer);
    }
    this.#later(res, requestId(req), token, answer, startedMonoMs);
  }

  #shed(res: UwsResponse, req: UwsRequest, why: Cause): void {
    this.#admission.count('http', why);
    this.#metrics.count(SHED);
    this.#metrics.observe(0);
    this.#problem(res, 'shed', requestId(req));
  }

  #tooMany(res: UwsResponse, req: UwsRequest): void {
    this.#metrics.rateLimited += 1;
    this.#problem(res, 'rate-limited', requestId(req));
  }

  #later(
    res: UwsResponse,
    id: string,
    token: Place,
    answer: Promise<Answer>,
    startedMonoMs: number,
  ): void {
    const pending: Pending = { gone: false, settled: false, startedMonoMs, isPhoto: false };
    this.#wait(res, pending);
    answer.then(
      (settled) => this.#finish(res, pending, id, () => this.#answer(res, id, token, settled)),
      (error) => this.#finish(res, pending, id, () => this.#failed(res, error, id)),
    );
  }

  #wait(res: UwsResponse, pending: Pending): void {
    this.#waiting(pending, 1);
    res.onAborted(() => {
      pending.gone = true;
      this.#metrics.aborted += 1;
      if (pending.settled) return pending.stopSending?.();
      this.#waiting(pending, -1);
      this.#waited(pending);
    });
  }

  #waiting({ isPhoto }: Pending, more: number): void {
    this.#metrics.inFlight += more;
    if (isPhoto) this.#photosInFlight += more;
  }

  #finish(res: UwsResponse, pending: Pending, id: string, reply: () => void): void {
    if (pending.gone) return;
    pending.settled = true;
    this.#waiting(pending, -1);
    this.#metrics.observe(this.#waited(pending));
    res.cork(() => {
      try {
        reply();
      } catch (error) {
        this.#failed(res, error, id);
      }
    });
  }

  /** @returns for how long, in milliseconds */
  #waited({ startedMonoMs, isPhoto }: Pending): number {
    const waitedMs = this.#clock.monoMs() - startedMonoMs;
    if (!isPhoto) this.#admission.waited('http', waitedMs);
    return waitedMs;
  }

  /** @param request the request, or what was read of it before it was gone */
  #answer(res: UwsResponse, request: UwsRequest | string, token: Place, answer: Answer): void {
    this.#metrics.count(answer);
    if (answer.outcome === 'found') {
      return this.#found(res, token, answer, this.#clock.wallMs());
    }
    const id = typeof request === 'string' ? request : requestId(request);
    if (answer.outcome === 'unavailable') {
      return this.#problem(res, answer.reason === 'deadline' ? 'deadline' : 'unavailable', id);
    }
    this.#problem(res, answer.outcome, id);
  }

  #found(res: UwsResponse, token: Place, found: Found, now: number): void {
    const key = this.#parts.addresses.periodOf(now) * 4 + found.color;
    const slot = this.#lookup.slotOf(found);
    const isKnown = this.#remembered.tell(token, slot, found.version, key);
    if (!isKnown || found.stale)
      return this.#send(res, this.#render(found, now, this.#timeText(found.asOf)));
    const body =
      this.#remembered.body(token) ??
      this.#remembered.keepBody(token, this.#render(found, now, NO_TIME));
    // The body ends with `"as_of":"<24 characters>"}`: only the time is written anew.
    body.latin1Write(this.#timeText(found.asOf), body.length - ISO_LENGTH - 2, ISO_LENGTH);
    this.#send(res, body);
  }

  /** The whole answer at once: once a header is written, a fault could no longer be told. */
  #send(res: UwsResponse, body: Buffer | string): void {
    res.writeHeader(CONTENT_TYPE, JSON_TYPE).writeHeader(CACHE_CONTROL, NO_STORE);
    res.end(body, this.#retiring);
  }

  #render(found: Found, now: number, time: string): string {
    const photo = found.photo;
    const address = photo === undefined ? 'null' : `"${this.#parts.addresses.address(photo, now)}"`;
    const stale = found.stale ? ',"stale":true' : '';
    return `{"color":"${COLOR_NAMES[found.color]}","photo":${address},"as_of":"${time}"${stale}}`;
  }

  /** Many answers share an as_of. */
  #timeText(asOf: number): string {
    if (asOf !== this.#asOf) {
      this.#asOf = asOf;
      this.#asOfText = new Date(asOf).toISOString();
    }
    return this.#asOfText;
  }

  // --- GET /v1/photo/<id>

  #photo(res: UwsResponse, req: UwsRequest): void {
    if (hasBody(req)) return this.#refuse(res, req, 'body');
    const id = req.getParameter(0);
    const etag = `"${id}"`;
    const isHeld = req.getHeader('if-none-match').includes(etag);
    const why = isHeld ? undefined : this.#admission.refuse('photo');
    if (why !== undefined) {
      this.#admission.count('photo', why);
      return this.#problem(res, 'shed', requestId(req));
    }
    const verdict = isId(id)
      ? this.#parts.addresses.verify(id, {
          exp: req.getQuery('exp') ?? '',
          sig: req.getQuery('sig') ?? '',
        })
      : 'invalid';
    if (verdict !== 'ok') return this.#refuse(res, req, `address-${verdict}`);
    // Content-addressed: who has it under this name has it.
    if (isHeld) {
      res
        .writeStatus('304 Not Modified')
        .writeHeader('etag', etag)
        .writeHeader('cache-control', PHOTO_CACHE);
      return endEmpty(res, this.#retiring);
    }
    const startedMonoMs = this.#clock.monoMs();
    const found = this.#parts.photos.find(id);
    if (!(found instanceof Promise)) return this.#sendPhoto(res, etag, found.photo, undefined);
    const request = requestId(req);
    const pending: Pending = { gone: false, settled: false, startedMonoMs, isPhoto: true };
    this.#wait(res, pending);
    found.then(
      (answer) =>
        this.#finish(res, pending, request, () => {
          if (answer.outcome === 'found') return this.#sendPhoto(res, etag, answer.photo, pending);
          if (answer.outcome === 'shed') this.#admission.count('photo', 'in-flight');
          const failure = answer.outcome === 'absent' ? 'photo-absent' : answer.outcome;
          this.#problem(res, failure, request);
        }),
      (error) => this.#finish(res, pending, request, () => this.#failed(res, error, request)),
    );
  }

  /** To a slow reader in pieces, as it takes them: nothing is buffered beyond what the socket holds. */
  #sendPhoto(res: UwsResponse, etag: string, photo: Photo, waited: Pending | undefined): void {
    res.writeHeader('content-type', photo.mime).writeHeader('etag', etag);
    res.writeHeader('cache-control', PHOTO_CACHE).writeHeader('x-content-type-options', 'nosniff');
    const { bytes } = photo;
    const start = res.getWriteOffset();
    const [, done] = res.tryEnd(bytes, bytes.length);
    if (done) return;
    this.#photosOnTheirWay += 1;
    const stop = () => {
      this.#photosOnTheirWay -= 1;
    };
    if (waited) waited.stopSending = stop;
    else
      res.onAborted(() => {
        this.#metrics.aborted += 1;
        stop();
      });
    res.onWritable((offset) => {
      const [taken, isWhole] = res.tryEnd(bytes.subarray(offset - start), bytes.length);
      if (isWhole) stop();
      return taken;
    });
  }

  // --- what goes wrong

  #refuse(res: UwsResponse, req: UwsRequest, refusal: Refusal): void {
    this.#metrics.refused[refusal] += 1;
    const id = requestId(req);
    const head = req.getMethod() === 'head';
    if (refusal !== 'body' && !hasBody(req)) {
      return this.#problem(res, refusal, id, { close: this.#retiring, head });
    }
    // Answered now, the connection would not close before all that was read with this request is answered too; while an
    // answer is awaited, a further request closes it.
    let gone = false;
    res.onAborted(() => {
      gone = true;
    });
    setImmediate(() => {
      if (!gone) res.cork(() => this.#problem(res, refusal, id, { close: true, head }));
    });
  }

  #problem(
    res: UwsResponse,
    failure: Failure,
    id: string,
    { close, head } = { close: this.#retiring, head: false },
  ): void {
    const { status, unauthorized, notAllowed, beginning } = PROBLEMS[failure];
    res
      .writeStatus(status)
      .writeHeader(CONTENT_TYPE, PROBLEM_TYPE)
      .writeHeader(CACHE_CONTROL, NO_STORE);
    if (unauthorized) res.writeHeader('www-authenticate', 'Bearer');
    if (notAllowed) res.writeHeader('allow', 'GET');
    const waitMs = retryAfterMs(failure);
    if (waitMs !== undefined) res.writeHeader('retry-after', String(Math.ceil(waitMs / 1_000)));
    if (head) return endEmpty(res, close);
    res.end(`${beginning}${id}"}`, close);
  }
}

/** With a length that is not a number it leaves the request unanswered, and that ends the process: none, or 0. */
function endEmpty(res: UwsResponse, close: boolean): void {
  if (close) res.endWithoutBody(0, true);
  else res.endWithoutBody();
}

/** A GET with a body is refused and its connection closed: parsers disagree about where such a request ends. */
function hasBody(req: UwsRequest): boolean {
  const length = req.getHeader('content-length');
  if (length === '') return req.getHeader('transfer-encoding') !== '';
  return length !== '0' || isAmbiguous(req);
}

/** A length of 0, and something else that says otherwise. */
function isAmbiguous(req: UwsRequest): boolean {
  let saying = 0;
  req.forEach((name) => {
    if (name === 'content-length' || name === 'transfer-encoding') saying += 1;
  });
  return saying > 1;
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The caller's, when it can be echoed as it is. */
function requestId(req: UwsRequest): string {
  const given = req.getHeader('x-request-id');
  return REQUEST_ID.test(given) ? given : randomUUID();
}

const tokenRefusal = (fault: TokenFault): Refusal => `token-${fault}`;
