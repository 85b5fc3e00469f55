// A gRPC load, in a process of its own: Node's HTTP/2 and hand-made frames, so that the generator costs less than the
// server. usage: load-grpc.js PORT SECONDS PEOPLE unary|stream QUESTIONS_A_MESSAGE   -> {"answers": n, "seconds": s}
// on standard output

import { type ClientHttp2Session, connect } from 'node:http2';
import { lookup } from '../../proto/lookup/v1/lookup.js';
import { subjectOf } from './population.ts';

const { v1 } = lookup;
const CONNECTIONS = 4;
const UNARY_IN_FLIGHT = 50;
const STREAMS = 4;
/** Messages on their way on each stream. */
const STREAM_WINDOW = 64;
const MESSAGES = 20_000;

const [port, secondsText, peopleText, mode, perMessageText] = process.argv.slice(2);
const seconds = Number(secondsText);
const people = Number(peopleText);
const perMessage = Number(perMessageText ?? 1);
const path = `/lookup.v1.LookupService/${mode === 'stream' ? 'LookupStream' : 'Lookup'}`;
const headers = {
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** Length-prefixed messages, made before the clock starts. */
const frames = Array.from({ length: MESSAGES }, (_, i) => {
  const ask = (k: number) => ({
    requestId: k + 1,
    subject: subjectOf(Math.floor(((i * perMessage + k) * 7919) % people)),
  });
  const message =
    mode === 'stream'
      ? v1.LookupStreamRequest.encode({
          questions: Array.from({ length: perMessage }, (_, k) => ask(k)),
        }).finish()
      : v1.LookupRequest.encode({ question: { subject: ask(0).subject } }).finish();
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
});

let sent = 0;
let answers = 0;
let over = false;
const nextFrame = () => frames[sent++ % MESSAGES] as Buffer;

function unary(session: ClientHttp2Session): void {
  const stream = session.request(headers);
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.on('end', () => {
    if (bytes < 20) throw new Error('an answer was no answer');
    answers += 1;
    if (!over) unary(session);
  });
  stream.end(nextFrame());
}

function streaming(session: ClientHttp2Session): void {
  const stream = session.request(headers);
  let rest: Buffer = Buffer.alloc(0);
  let owed = 0;
  const send = (messages: number) => {
    if (over) return;
    owed += messages * perMessage;
    const batch = Array.from({ length: messages }, nextFrame);
    stream.write(batch.length === 1 ? batch[0] : Buffer.concat(batch));
  };
  stream.on('data', (chunk: Buffer) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let got = 0;
    while (rest.length >= 5) {
      const end = 5 + rest.readUInt32BE(1);
      if (rest.length < end) break;
      got += countAnswers(rest, 5, end);
      rest = rest.subarray(end);
    }
    answers += got;
    owed -= got;
    const room = STREAM_WINDOW - Math.ceil(owed / perMessage);
    if (room >= STREAM_WINDOW / 4) send(room);
  });
  send(STREAM_WINDOW);
}

/** Answers of a LookupStreamResponse, by their lengths alone. */
function countAnswers(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at += 2 + (bytes[at + 1] as number)) count++;
  return count;
}

const sessions = Array.from({ length: mode === 'stream' ? STREAMS : CONNECTIONS }, () =>
  connect(`http://127.0.0.1:${port}`),
);
const started = performance.now();
for (const session of sessions) {
  if (mode === 'stream') streaming(session);
  else for (let i = 0; i < UNARY_IN_FLIGHT / CONNECTIONS; i++) unary(session);
}
setTimeout(() => {
  over = true;
  process.stdout.write(
    `${JSON.stringify({ answers, seconds: (performance.now() - started) / 1_000 })}\n`,
    () => process.exit(0),
  );
}, seconds * 1_000);
