import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookup } from '../../proto/lookup/v1/lookup.js';
import type { Answer, Color, LayerName, UnavailableReason } from '../health-code.ts';
import { AnswerWriter, decodeLookup, decodeLookupStream, readAnswer, WireError } from './wire.ts';

const { v1 } = lookup;
const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
const requestId = fc.oneof(fc.constant(0), fc.nat(300), fc.integer({ min: 0, max: 2 ** 53 - 1 }));
const asOf = fc.integer({ min: 0, max: 4_000_000_000_000 });

const question = fc.record(
  {
    requestId,
    subject: fc.oneof(id, fc.string({ maxLength: 40 }), fc.constant('')),
    token: fc.string({ maxLength: 350 }),
    mark: fc.record({ epoch: fc.string({ maxLength: 30 }), ms: asOf }),
  },
  { requiredKeys: ['requestId'] },
);

function toStatic({
  requestId,
  subject,
  token,
  mark,
}: {
  requestId: number;
  subject?: string;
  token?: string;
  mark?: { epoch: string; ms: number };
}) {
  const message: lookup.v1.IQuestion = { requestId };
  if (subject !== undefined) message.subject = subject;
  else if (token !== undefined) message.token = token;
  if (mark)
    message.minAsOf = {
      sourceEpoch: mark.epoch,
      asOf: { seconds: Math.floor(mark.ms / 1000), nanos: (mark.ms % 1000) * 1e6 },
    };
  return message;
}

const answers: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({
    outcome: fc.constant('found' as const),
    color: fc.constantFrom<Color>(1, 2, 3),
    photo: fc.option(id, { nil: undefined }),
    version: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
    asOf,
    ageMs: fc.integer({ min: 0, max: 4_000_000 }),
    stale: fc.boolean(),
    layer: fc.constantFrom<LayerName>('memory', 'redis', 'source'),
  }),
  fc.record({ outcome: fc.constant('absent' as const), asOf }),
  fc.record({
    outcome: fc.constant('unavailable' as const),
    reason: fc.constantFrom<UnavailableReason>(
      'source',
      'deadline',
      'not-yet',
      'starting',
      'draining',
    ),
  }),
  fc.record({ outcome: fc.constant('shed' as const) }),
);

describe('the wire', () => {
  it('reads a question as protobufjs does, whatever it holds', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const message = toStatic(asked);
        const one = decodeLookup(
          Buffer.from(v1.LookupRequest.encode({ question: message }).finish()),
        );
        const [first, second] = decodeLookupStream(
          Buffer.from(v1.LookupStreamRequest.encode({ questions: [message, message] }).finish()),
        );
        const expected = {
          requestId: asked.requestId,
          subject: message.subject ?? undefined,
          token: message.token ?? undefined,
          mark: asked.mark ? { sourceEpoch: asked.mark.epoch, asOfMs: asked.mark.ms } : undefined,
        };
        expect(one).toEqual(expected);
        expect(first).toEqual(expected);
        expect(second).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('writes answers that protobufjs reads back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(requestId, answers, fc.nat(5_000)), { maxLength: 300 }),
        (all) => {
          const writer = new AnswerWriter();
          for (const [id, answer, retryAfterMs] of all) writer.append(id, answer, retryAfterMs);
          const read = v1.LookupStreamResponse.decode(writer.take()).answers ?? [];
          expect(read.length).toBe(all.length);
          all.forEach(([id, answer], i) => {
            const got = readAnswer(read[i]);
            expect(got.requestId).toBe(id);
            expect(got.outcome).toBe(answer.outcome);
            if (answer.outcome !== 'found') return;
            const { color, version, ageMs, layer } = answer;
            expect(got).toMatchObject({
              color,
              version,
              ageMs,
              layer,
              fresh: !answer.stale,
              photoId: answer.photo ?? '',
              asOfMs: answer.asOf,
            });
          });
          expect(writer.length).toBe(0);
        },
      ),
    );
  });

  it('never reads outside a message, and refuses garbage as such', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const decode of [decodeLookup, decodeLookupStream]) {
          try {
            decode(Buffer.from(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('has callers take what they do not know as unavailable, never as a color', () => {
    expect(readAnswer(v1.Answer.decode(new Uint8Array())).outcome).toBe('unavailable');
    expect(readAnswer({ found: {} }).outcome).toBe('unavailable');
    expect(readAnswer({ found: { color: 4 as number as 1, layer: 1, fresh: true } }).outcome).toBe(
      'unavailable',
    );
    expect(readAnswer({ found: { color: 1, layer: 9 as number as 1 } }).outcome).toBe(
      'unavailable',
    );
    expect(readAnswer({ found: { color: 1, layer: 1 } }).outcome).toBe('found');
  });
});
