// The one table: what happened -> what an HTTP caller and a gRPC caller are told. The only file that knows 503 or
// UNAVAILABLE.

import type { Refusal } from '../metrics.ts';

/** gRPC's own numbers. */
export const GRPC = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export interface Status {
  readonly http: number;
  readonly reason: string;
  readonly grpc: number;
  /** What the caller may read. */
  readonly title: string;
  /** Base of Retry-After in milliseconds; spread at random. */
  readonly retryAfterMs?: number;
}

export type Failure =
  | Refusal
  | 'absent'
  | 'photo-absent'
  | 'shed'
  | 'unavailable'
  | 'deadline'
  | 'internal'
  | 'rate-limited';

const status = (
  http: number,
  reason: string,
  grpc: number,
  title: string,
  retryAfterMs?: number,
): Status => ({
  http,
  reason,
  grpc,
  title,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

const unauthorized = (title: string) => status(401, 'Unauthorized', GRPC.UNAUTHENTICATED, title);
const malformed = (title: string) => status(400, 'Bad Request', GRPC.INVALID_ARGUMENT, title);

export const STATUS: Readonly<Record<Failure, Status>> = {
  absent: status(404, 'Not Found', GRPC.OK, 'There is no such person. Do not ask again.'),
  'photo-absent': status(404, 'Not Found', GRPC.NOT_FOUND, 'There is no such photo.'),
  shed: status(
    503,
    'Service Unavailable',
    GRPC.RESOURCE_EXHAUSTED,
    'Too busy. Wait, then ask once more.',
    2_000,
  ),
  unavailable: status(
    503,
    'Service Unavailable',
    GRPC.UNAVAILABLE,
    'Not known now. Show the last answer with its time.',
    2_000,
  ),
  deadline: status(
    504,
    'Gateway Timeout',
    GRPC.DEADLINE_EXCEEDED,
    'Not known in time. Show the last answer with its time.',
    2_000,
  ),
  'rate-limited': status(
    429,
    'Too Many Requests',
    GRPC.RESOURCE_EXHAUSTED,
    'Too many questions. Wait.',
    2_000,
  ),
  'token-missing': unauthorized('The request has no token: Authorization: Bearer <JWT>.'),
  'token-malformed': unauthorized('The token cannot be read.'),
  'token-invalid': unauthorized('The token is not accepted.'),
  'token-expired': unauthorized('The token has expired. Get a new one.'),
  'token-not-yet': unauthorized('The token is not valid yet.'),
  'token-wrong-door': unauthorized('The token is for another door.'),
  'message-malformed': malformed('The bytes are no message of lookup.v1.'),
  'subject-malformed': malformed('A subject is 22 characters of base64url.'),
  'question-empty': malformed('The question names neither a subject nor a token.'),
  'too-many-questions': malformed('Too many questions in one message.'),
  'mark-refused': malformed('The mark is not one of this source, or lies ahead of its clock.'),
  'address-invalid': status(
    403,
    'Forbidden',
    GRPC.PERMISSION_DENIED,
    'The address was not signed here.',
  ),
  'address-expired': status(
    403,
    'Forbidden',
    GRPC.PERMISSION_DENIED,
    'The address has expired. Ask for the code again.',
  ),
  'no-such-path': status(
    404,
    'Not Found',
    GRPC.UNIMPLEMENTED,
    'There is nothing here. See /v1/code.',
  ),
  method: status(405, 'Method Not Allowed', GRPC.UNIMPLEMENTED, 'Only GET is answered here.'),
  body: status(400, 'Bad Request', GRPC.INVALID_ARGUMENT, 'A request with a body is not accepted.'),
  internal: status(500, 'Internal Server Error', GRPC.INTERNAL, 'Something is wrong here.', 5_000),
};

/** Names the kind of problem; several problems share a status. */
export const problemType = (failure: Failure): string => `urn:lookup:problem:${failure}`;

/** From half of its base to two and a half: those refused together do not return together, in whole seconds neither. */
export function retryAfterMs(failure: Failure): number | undefined {
  const base = STATUS[failure].retryAfterMs;
  return base === undefined ? undefined : Math.round(base * (0.5 + 2 * Math.random()));
}
