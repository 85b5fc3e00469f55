// The two messages of the hot path, read and written by hand: a question in, an answer out. Everything unusual goes
// through protobufjs' static code, and a property test holds the two together.

import { lookup } from '../../proto/lookup/v1/lookup.js';
import {
  type Answer,
  type Color,
  type Found,
  isId,
  type LayerName,
  type UnavailableReason,
} from '../health-code.ts';
import type { Refusal } from '../metrics.ts';

const { v1 } = lookup;

/**
 * 64 bits: a number as far as numbers are exact, else a bigint. Rounded ids would name another question of the
 * stream.
 */
export type RequestId = number | bigint;

/** A question, as far as the wire says. */
export interface Question {
  readonly requestId: RequestId;
  /** Set exactly when the question names a subject, well-formed or not. */
  readonly subject: string | undefined;
  readonly token: string | undefined;
  readonly mark: { readonly sourceEpoch: string; readonly asOfMs: number } | undefined;
}

/** What one question of a stream, or a whole unary call, ends in. */
export type Ending = Answer | { readonly outcome: 'refused'; readonly refusal: Refusal };

/** The bytes are no message of this contract. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const SUBJECT_LENGTH = 22;
const TAG_QUESTION = 0x0a;
const TAG_REQUEST_ID = 0x08;
const TAG_SUBJECT = 0x12;
const TAG_TOKEN = 0x1a;

/** LookupRequest -> its question. */
export function decodeLookup(bytes: Buffer): Question {
  // question (1), shorter than 128 bytes, and nothing else
  if (bytes[0] === TAG_QUESTION && bytes[1] === bytes.length - 2 && (bytes[1] as number) < 0x80) {
    return decodeQuestion(bytes, 2, bytes.length);
  }
  return fromStatic(parse(() => v1.LookupRequest.decode(bytes)).question);
}

/** LookupStreamRequest -> its questions. */
export function decodeLookupStream(bytes: Buffer): Question[] {
  const questions: Question[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes[at + 1] as number;
    const end = at + 2 + length;
    if (bytes[at] !== TAG_QUESTION || length >= 0x80 || end > bytes.length) {
      return (parse(() => v1.LookupStreamRequest.decode(bytes)).questions ?? []).map(fromStatic);
    }
    questions.push(decodeQuestion(bytes, at + 2, end));
    at = end;
  }
  return questions;
}

function decodeQuestion(bytes: Buffer, start: number, end: number): Question {
  let at = start;
  let requestId = 0;
  if (bytes[at] === TAG_REQUEST_ID && at < end) {
    let scale = 1;
    let byte: number;
    do {
      byte = bytes[++at] as number;
      requestId += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80 && at < end && scale < 2 ** 49);
    at += 1;
    if (byte >= 0x80) return slowQuestion(bytes, start, end);
  }
  const tag = bytes[at];
  if (tag === TAG_SUBJECT && bytes[at + 1] === SUBJECT_LENGTH && at + 2 + SUBJECT_LENGTH === end) {
    return {
      requestId,
      subject: bytes.latin1Slice(at + 2, end),
      token: undefined,
      mark: undefined,
    };
  }
  if (
    tag === TAG_TOKEN &&
    (bytes[at + 1] as number) < 0x80 &&
    at + 2 + (bytes[at + 1] as number) === end
  ) {
    return {
      requestId,
      subject: undefined,
      token: bytes.latin1Slice(at + 2, end),
      mark: undefined,
    };
  }
  return slowQuestion(bytes, start, end);
}

function slowQuestion(bytes: Buffer, start: number, end: number): Question {
  return fromStatic(parse(() => v1.Question.decode(bytes.subarray(start, end))));
}

function parse<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new WireError('not a message of lookup.v1', { cause: error });
  }
}

function fromStatic(question: lookup.v1.IQuestion | null | undefined): Question {
  const mark = question?.minAsOf;
  return {
    requestId: exact(question?.requestId),
    subject: question?.subject ?? undefined,
    token: question?.token ?? undefined,
    mark: mark
      ? {
          sourceEpoch: mark.sourceEpoch ?? '',
          asOfMs:
            Number(mark.asOf?.seconds ?? 0) * 1_000 + Math.ceil((mark.asOf?.nanos ?? 0) / 1e6),
        }
      : undefined,
  };
}

/** @param id a number, or the Long that protobufjs makes of a larger one */
function exact(id: unknown): RequestId {
  if (typeof id !== 'object' || id === null) return Number(id ?? 0);
  const whole = BigInt.asUintN(64, BigInt(String(id)));
  return whole <= Number.MAX_SAFE_INTEGER ? Number(whole) : whole;
}

const LAYERS: Record<LayerName, number> = { memory: 1, redis: 2, source: 3 };

const UNAVAILABLE: Record<UnavailableReason, number> = {
  source: v1.Unavailable.Reason.REASON_SOURCE,
  deadline: v1.Unavailable.Reason.REASON_DEADLINE,
  'not-yet': v1.Unavailable.Reason.REASON_NOT_YET,
  starting: v1.Unavailable.Reason.REASON_STARTING,
  draining: v1.Unavailable.Reason.REASON_DRAINING,
};

const { Reason } = v1.Refused;
const REFUSED: Partial<Record<Refusal, number>> = {
  'subject-malformed': Reason.REASON_SUBJECT_MALFORMED,
  'question-empty': Reason.REASON_QUESTION_EMPTY,
  'token-missing': Reason.REASON_TOKEN_INVALID,
  'token-malformed': Reason.REASON_TOKEN_INVALID,
  'token-invalid': Reason.REASON_TOKEN_INVALID,
  'token-not-yet': Reason.REASON_TOKEN_INVALID,
  'token-expired': Reason.REASON_TOKEN_EXPIRED,
  'token-wrong-door': Reason.REASON_TOKEN_WRONG_DOOR,
  'too-many-questions': Reason.REASON_TOO_MANY_QUESTIONS,
  'mark-refused': Reason.REASON_MARK_REFUSED,
};

/** No answer is longer than this. */
const ANSWER_BYTES_MAX = 128;

/** Writes answers one after the other; what is taken is copied out, so one writer serves a whole edge. */
export class AnswerWriter {
  #bytes = Buffer.allocUnsafeSlow(16_384);
  #end = 0;
  #asOf = Number.NaN;
  readonly #time = Buffer.alloc(16);
  #timeLength = 0;

  get length(): number {
    return this.#end;
  }

  /** Appends `answers` (1) of LookupStreamResponse; `answer` (1) of LookupResponse has the same bytes. */
  append(requestId: RequestId, ending: Ending, retryAfterMs: number): void {
    if (this.#end + ANSWER_BYTES_MAX > this.#bytes.length) this.#grow();
    const start = this.#end;
    // The length of an answer fits in one byte: it is written when it is known.
    let at = start + 2;
    const bytes = this.#bytes;
    bytes[start] = TAG_QUESTION;
    if (requestId > 0) {
      bytes[at++] = 0x08;
      at =
        typeof requestId === 'number'
          ? this.#varint(at, requestId)
          : bigVarint(bytes, at, requestId);
    }
    at =
      ending.outcome === 'found' ? this.#found(at, ending) : this.#other(at, ending, retryAfterMs);
    bytes[start + 1] = at - start - 2;
    this.#end = at;
  }

  /** A copy of all that was appended; the writer is empty after. */
  take(): Buffer {
    const message = Buffer.allocUnsafe(this.#end);
    this.#bytes.copy(message, 0, 0, this.#end);
    this.#end = 0;
    return message;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.#bytes.length * 2);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }

  #found(start: number, found: Found): number {
    const bytes = this.#bytes;
    bytes[start] = 0x12;
    let at = start + 2;
    bytes[at++] = 0x08;
    bytes[at++] = found.color;
    const photo = found.photo;
    if (photo !== undefined) {
      bytes[at++] = 0x12;
      bytes[at++] = SUBJECT_LENGTH;
      bytes.latin1Write(photo, at, SUBJECT_LENGTH);
      at += SUBJECT_LENGTH;
    }
    bytes[at++] = 0x18;
    at = this.#varint(at, found.version);
    at = this.#timestamp(at, 0x22, found.asOf);
    const ageMs = Math.ceil(found.ageMs);
    if (ageMs > 0) {
      bytes[at++] = 0x28;
      at = this.#varint(at, ageMs);
    }
    if (!found.stale) {
      bytes[at++] = 0x30;
      bytes[at++] = 1;
    }
    bytes[at++] = 0x38;
    bytes[at++] = LAYERS[found.layer];
    bytes[start + 1] = at - start - 2;
    return at;
  }

  #other(start: number, ending: Exclude<Ending, Found>, retryAfterMs: number): number {
    const bytes = this.#bytes;
    let at = start + 2;
    switch (ending.outcome) {
      case 'absent':
        bytes[start] = 0x1a;
        at = this.#timestamp(at, 0x0a, ending.asOf);
        break;
      case 'unavailable':
        bytes[start] = 0x22;
        at = this.#reason(at, UNAVAILABLE[ending.reason], retryAfterMs);
        break;
      case 'shed':
        bytes[start] = 0x2a;
        if (retryAfterMs > 0) {
          bytes[at++] = 0x08;
          at = this.#varint(at, retryAfterMs);
        }
        break;
      default:
        bytes[start] = 0x32;
        at = this.#reason(at, REFUSED[ending.refusal] ?? 0, retryAfterMs);
    }
    bytes[start + 1] = at - start - 2;
    return at;
  }

  #reason(start: number, reason: number, retryAfterMs: number): number {
    let at = start;
    this.#bytes[at++] = 0x08;
    this.#bytes[at++] = reason;
    if (retryAfterMs > 0) {
      this.#bytes[at++] = 0x10;
      at = this.#varint(at, retryAfterMs);
    }
    return at;
  }

  /** Many answers share an as_of: its bytes are made once. */
  #timestamp(start: number, tag: number, asOf: number): number {
    if (asOf !== this.#asOf) {
      this.#asOf = asOf;
      const seconds = Math.floor(asOf / 1_000);
      const nanos = Math.round((asOf - seconds * 1_000) * 1e6);
      let at = 0;
      this.#time[at++] = 0x08;
      at = varint(this.#time, at, seconds);
      if (nanos > 0) {
        this.#time[at++] = 0x10;
        at = varint(this.#time, at, nanos);
      }
      this.#timeLength = at;
    }
    this.#bytes[start] = tag;
    this.#bytes[start + 1] = this.#timeLength;
    this.#time.copy(this.#bytes, start + 2, 0, this.#timeLength);
    return start + 2 + this.#timeLength;
  }

  #varint(start: number, value: number): number {
    return varint(this.#bytes, start, value);
  }
}

/** @param value a whole number from 0 to 2^53 */
function varint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

function bigVarint(bytes: Buffer, start: number, value: bigint): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes[at++] = Number(rest & 0x7fn) | 0x80;
  bytes[at++] = Number(rest);
  return at;
}

export interface GetPhotoQuestion {
  readonly photoId: string;
}

export function decodeGetPhoto(bytes: Buffer): GetPhotoQuestion {
  return { photoId: parse(() => v1.GetPhotoRequest.decode(bytes)).photoId ?? '' };
}

export function encodePhoto(mimeType: string, image: Uint8Array): Buffer {
  return Buffer.from(v1.GetPhotoResponse.encode({ mimeType, image }).finish());
}

/** What a caller reads of an answer: an enum value that it does not know is not a color, but unavailable. */
export interface ReadAnswer {
  readonly outcome: 'found' | 'absent' | 'unavailable' | 'shed' | 'refused';
  readonly requestId: number;
  readonly color?: Color;
  readonly photoId?: string;
  readonly version?: number;
  readonly asOfMs?: number;
  readonly ageMs?: number;
  readonly fresh?: boolean;
  readonly layer?: LayerName;
  readonly reason?: string;
  readonly retryAfterMs?: number;
}

const LAYER_NAMES: (LayerName | undefined)[] = [undefined, 'memory', 'redis', 'source'];

const timeOf = (time: { seconds?: unknown; nanos?: number | null } | null | undefined) =>
  Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;

/** For clients: an Answer -> what may be shown. */
export function readAnswer(answer: lookup.v1.IAnswer | null | undefined): ReadAnswer {
  const requestId = Number(answer?.requestId ?? 0);
  const { found, absent, unavailable, shed, refused } = answer ?? {};
  if (found) {
    const color = Number(found.color);
    const photoId = found.photoId ?? '';
    const layer = LAYER_NAMES[Number(found.layer)];
    if (color < 1 || color > 3 || !layer || (photoId !== '' && !isId(photoId))) {
      return { outcome: 'unavailable', requestId, reason: 'REASON_UNKNOWN_TO_CALLER' };
    }
    return {
      outcome: 'found',
      requestId,
      color: color as Color,
      photoId,
      version: Number(found.version ?? 0),
      asOfMs: timeOf(found.asOf),
      ageMs: Number(found.ageMs ?? 0),
      fresh: found.fresh ?? false,
      layer,
    };
  }
  if (absent) return { outcome: 'absent', requestId, asOfMs: timeOf(absent.asOf) };
  if (shed) return { outcome: 'shed', requestId, retryAfterMs: shed.retryAfterMs ?? 0 };
  if (refused)
    return { outcome: 'refused', requestId, reason: nameOf(v1.Refused.Reason, refused.reason) };
  return {
    outcome: 'unavailable',
    requestId,
    reason: nameOf(v1.Unavailable.Reason, unavailable?.reason),
  };
}

function nameOf(reasons: object, value: unknown): string {
  return (reasons as Record<number, string>)[Number(value ?? 0)] ?? 'REASON_UNKNOWN_TO_CALLER';
}
