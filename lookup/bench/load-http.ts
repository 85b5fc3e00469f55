// An HTTP load by autocannon, in a process of its own.
// usage: load-http.js PORT SECONDS TOKENS_FILE   -> {"answers": n, "seconds": s} on standard output

import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

const [port, seconds, file] = process.argv.slice(2);
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
if (result.non2xx > 0 || result.errors > 0)
  throw new Error(`${result.non2xx} answers were not 2xx, ${result.errors} failed`);
process.stdout.write(`${JSON.stringify({ answers: result['2xx'], seconds: result.duration })}\n`);
