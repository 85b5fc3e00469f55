// An HTTP load of connections that each ask again once they have their answer, in a process of its own.
// usage: load-lines.js PORT SECONDS TOKENS_FILE   -> {"answers": n, "seconds": s} on standard output

import { readFileSync } from 'node:fs';
import { HttpLine, isFound } from './http-line.ts';

const CONNECTIONS = 64;

const [port, secondsText, file] = process.argv.slice(2);
const requests = readFileSync(file as string, 'utf8')
  .trimEnd()
  .split('\n')
  .map((token) => HttpLine.request(token));
let next = 0;
let answers = 0;

function fail(error: Error): never {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

function keepAsking(line: HttpLine): void {
  const request = requests[next++ % requests.length] as Buffer;
  line.ask(
    request,
    (answer) => {
      if (!isFound(answer)) fail(new Error(`an answer was not 200:\n${answer}`));
      answers += 1;
      keepAsking(line);
    },
    fail,
  );
}

const started = performance.now();
for (let i = 0; i < CONNECTIONS; i++) keepAsking(new HttpLine(Number(port)));
setTimeout(() => {
  const seconds = (performance.now() - started) / 1_000;
  process.stdout.write(`${JSON.stringify({ answers, seconds })}\n`, () => process.exit(0));
}, Number(secondsText) * 1_000);
