// How phones and gates ask (k6), and what they make of what comes back: one of five endings, whatever the door.

import http, { type RefinedResponse } from 'k6/http';
import grpc from 'k6/net/grpc';
import type { Told } from './judge.ts';
import { settings } from './settings.ts';

/** `absent` is said of somebody who is there: as wrong as a wrong color. */
export type Ending = Told | 'shed' | 'failed' | 'absent';

export interface Answer {
  readonly ending: Ending;
  /** For the log: what came back. */
  readonly why: unknown;
  readonly tookMs: number;
  /** LAYER_MEMORY and so on: told to gates, of somebody found. Empty otherwise. */
  readonly layer: string;
}

const COLORS: Readonly<Record<string, number>> = {
  ...{ green: 1, yellow: 2, red: 3 },
  ...{ COLOR_GREEN: 1, COLOR_YELLOW: 2, COLOR_RED: 3 },
};
/** Nobody looks at their phone for longer. */
const PATIENCE_MS = 3_000;
const PHOTO_AT = '/v1/photo/'.length;
const ID_LENGTH = 22;

const { httpUrls, grpcAddrs } = settings;
const CODE_TAGS = { name: 'code' };

export interface CodeAnswer extends Answer {
  /** Address of the photo, at the process that answered. */
  readonly photoUrl: string | undefined;
}

/** Somebody's question. */
export interface Phone {
  readonly token: string;
  /** Which of the processes, by any number. */
  readonly door: number;
}

/** All at once. @returns an answer for each, in their order */
export function askCodes(phones: readonly Phone[]): CodeAnswer[] {
  const [phone] = phones;
  if (phone && phones.length === 1) {
    const url = urlOf(phone);
    return [codeAnswer(http.get(`${url}/v1/code`, paramsOf(phone)), url)];
  }
  const requests = phones.map((one) => ['GET', `${urlOf(one)}/v1/code`, null, paramsOf(one)]);
  const responses = http.batch(
    requests as Parameters<typeof http.batch>[0],
  ) as RefinedResponse<'text'>[];
  return phones.map((one, i) => codeAnswer(responses[i] as RefinedResponse<'text'>, urlOf(one)));
}

const urlOf = ({ door }: Phone) => httpUrls[door % httpUrls.length] as string;

const paramsOf = ({ token }: Phone) => ({
  headers: { authorization: `Bearer ${token}` },
  tags: CODE_TAGS,
  timeout: PATIENCE_MS,
  redirects: 0,
});

function codeAnswer(response: RefinedResponse<'text'>, url: string): CodeAnswer {
  const tookMs = response.timings.duration;
  if (response.status !== 200) {
    const text = typeof response.body === 'string' ? response.body : '';
    const why = [response.status, response.error, text.slice(0, 200)];
    return { ending: endingOf(response.status, text), why, tookMs, layer: '', photoUrl: undefined };
  }
  const { color, photo, as_of, stale } = JSON.parse(response.body as string);
  const told: Told = {
    color: COLORS[color] ?? 0,
    photo: photo?.slice(PHOTO_AT, PHOTO_AT + ID_LENGTH),
    asOfMs: Date.parse(as_of),
    isStale: stale === true,
  };
  return {
    ending: told,
    why: response.body,
    tookMs,
    layer: '',
    photoUrl: photo ? `${url}${photo}` : undefined,
  };
}

function endingOf(status: number, body: string): Ending {
  if (status === 503 && body.includes('problem:shed')) return 'shed';
  if (status === 404 && body.includes('problem:absent')) return 'absent';
  return 'failed';
}

const PHOTO_TAGS = { name: 'photo' };

export interface PhotoAnswer {
  /** Or how it ended. */
  readonly bytes: ArrayBuffer | 'shed' | 'failed';
  readonly tookMs: number;
}

export function fetchPhoto(url: string): PhotoAnswer {
  const response = http.get(url, {
    ...{ tags: PHOTO_TAGS, timeout: PATIENCE_MS, redirects: 0 },
    responseType: 'binary',
  });
  const tookMs = response.timings.duration;
  const body = response.body as ArrayBuffer | null;
  if (response.status === 200 && body) return { bytes: body, tookMs };
  const text = body ? String.fromCharCode(...new Uint8Array(body)) : '';
  const ending = endingOf(response.status, text);
  return { bytes: ending === 'shed' ? 'shed' : 'failed', tookMs };
}

const SERVICE = 'lookup.v1.LookupService';
const client = new grpc.Client();
client.load([import.meta.resolve('../../proto').replace('file://', '')], 'lookup/v1/lookup.proto');

/** One connection for each virtual user, to one process: as a gate has it. */
function connected(): grpc.Client {
  if (isConnected) return client;
  const address = grpcAddrs[__VU % grpcAddrs.length] as string;
  client.connect(address, { plaintext: true, timeout: '5s' });
  isConnected = true;
  return client;
}
let isConnected = false;

export type Question = { readonly subject: string } | { readonly token: string };

interface Found {
  readonly color: string;
  readonly photoId: string;
  readonly version: string;
  readonly asOf: string;
  readonly fresh: boolean;
  readonly layer: string;
}

interface WireAnswer {
  readonly requestId: string;
  readonly found?: Found;
  readonly absent?: object;
  readonly shed?: object;
}

const LOOKUP_PARAMS = { timeout: `${PATIENCE_MS}ms`, tags: { name: 'lookup' } };
const RESOURCE_EXHAUSTED = 8;

export function askGate(question: Question): Answer {
  const begun = Date.now();
  const response = connected().invoke(`${SERVICE}/Lookup`, { question }, LOOKUP_PARAMS);
  const tookMs = Date.now() - begun;
  if (response.status !== grpc.StatusOK) {
    const ending = (response.status as number) === RESOURCE_EXHAUSTED ? 'shed' : 'failed';
    return { ending, why: [response.status, response.error], tookMs, layer: '' };
  }
  return read((response.message as { answer: WireAnswer }).answer, tookMs);
}

function read(answer: WireAnswer, tookMs: number): Answer {
  const { found } = answer;
  if (!found) {
    const ending = answer.absent ? 'absent' : answer.shed ? 'shed' : 'failed';
    return { ending, why: answer, tookMs, layer: '' };
  }
  const told: Told = {
    color: COLORS[found.color] ?? 0,
    photo: found.photoId || undefined,
    asOfMs: Date.parse(found.asOf),
    isStale: !found.fresh,
    version: Number(found.version),
  };
  return { ending: told, why: found, tookMs, layer: found.layer };
}

const LINE_PARAMS = { tags: { name: 'line' } };

/**
 * Questions on a stream of their own, several in a message.
 * @param onAnswer told the place of the question in `questions`, once for each
 */
export function askLine(
  questions: readonly Question[],
  perMessage: number,
  onAnswer: (i: number, answer: Answer) => void,
): void {
  const stream = new grpc.Stream(connected(), `${SERVICE}/LookupStream`, LINE_PARAMS);
  const begun = Date.now();
  let left = questions.length;
  const seen = questions.map(() => false);
  const settle = (i: number, answer: Answer) => {
    if (seen[i] !== false) return;
    seen[i] = true;
    left--;
    onAnswer(i, answer);
  };
  const failRest = (why: unknown) => {
    const tookMs = Date.now() - begun;
    questions.forEach((_, i) => {
      settle(i, { ending: 'failed', why, tookMs, layer: '' });
    });
  };
  const patience = setTimeout(() => {
    failRest('no answer on the stream');
    stream.end();
  }, PATIENCE_MS);
  stream.on('data', (message) => {
    for (const answer of (message as { answers: WireAnswer[] }).answers)
      settle(Number(answer.requestId) - 1, read(answer, Date.now() - begun));
    if (left > 0) return;
    clearTimeout(patience);
    stream.end();
  });
  stream.on('error', (error: unknown) => {
    clearTimeout(patience);
    failRest(error);
  });
  for (let at = 0; at < questions.length; at += perMessage) {
    const part = questions.slice(at, at + perMessage);
    stream.write({ questions: part.map((one, i) => ({ ...one, request_id: at + i + 1 })) });
  }
}
