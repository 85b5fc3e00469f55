// An HTTP load by autocannon, in a process of its own.
// usage: load-http.js PORT SECONDS TOKENS_FILE STATUS   -> {"answers": n, "seconds": s} on standard output

import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

const [port, seconds, file, status] = process.argv.slice(2);
const tokens = readFileSync(file as string, 'utf8')
  .trimEnd()
  .split('\n');
let next = 0;
const result = await autocannon({
  url: `http://127.0.0.1:${port}/v1/code`,
  connections: 64,
  duration: Number(seconds),
  requests: [
    {
      setupRequest: (request) => {
        const authorization = `Bearer ${tokens[next++ % tokens.length]}`;
        return { ...request, headers: { ...request.headers, authorization } };
      },
    },
  ],
});
const all = result['2xx'] + result.non2xx;
const answers = status === '200' ? result['2xx'] : result['5xx'];
if (answers < all || result.errors > 0)
  throw new Error(`${all - answers} answers were not ${status}, ${result.errors} failed`);
process.stdout.write(`${JSON.stringify({ answers, seconds: result.duration })}\n`);
