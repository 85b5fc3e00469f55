import { Agent, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const PASSED_ON = ['authorization', 'if-none-match', 'x-request-id'] as const;
const PASSED_BACK = [
  'content-type',
  'cache-control',
  'etag',
  'retry-after',
  'x-request-id',
] as const;
const TIMEOUT_MS = 2_000;

/** Passes a GET on to the phones' edge, so that the page needs no other origin. An edge that is away becomes a 502. */
export function forward(
  origin: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return new Promise((resolve) => {
    const onward = ask(new URL(request.url ?? '/', origin), {
      agent,
      headers,
      timeout: TIMEOUT_MS,
    });
    response.once('close', () => {
      onward.destroy();
      resolve();
    });
    onward.once('timeout', () => onward.destroy(new Error('timeout')));
    onward.once('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { 'Cache-Control': 'no-store' }).end();
    });
    onward.once('response', (answer) => {
      response.statusCode = answer.statusCode ?? 502;
      for (const name of PASSED_BACK) {
        const value = answer.headers[name];
        if (value !== undefined) response.setHeader(name, value);
      }
      answer.once('error', () => response.destroy());
      answer.pipe(response);
    });
    onward.end();
  });
}
