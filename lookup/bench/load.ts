import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSigner } from 'fast-jwt';
import { ISSUER, SECRET, subjectOf } from './population.ts';
import { LOAD_CORE, pinned } from './process.ts';

const run = promisify(execFile);

export interface Load {
  readonly answers: number;
  readonly seconds: number;
}

/** What one round asks of a server. */
export type Loader = (port: number, seconds: number) => Promise<Load>;

async function measured(command: string, args: readonly string[]): Promise<string> {
  const [program, all] = pinned(LOAD_CORE, command, args);
  return (await run(program, all, { maxBuffer: 16 * 1024 * 1024 })).stdout;
}

const script = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** What each answer must be. */
export type Status = 200 | 503;

export const byAutocannon =
  (tokensFile: string, status: Status = 200): Loader =>
  async (port, seconds) =>
    JSON.parse(
      await measured(process.execPath, [
        script('load-http'),
        String(port),
        String(seconds),
        tokensFile,
        String(status),
      ]),
    );

/** wrk costs the load's core the least: the server is the one that is full. */
export const byWrk =
  (luaFile: string, status: Status = 200): Loader =>
  async (port, seconds) => {
    const args = [
      '-t1',
      '-c64',
      `-d${seconds}s`,
      '-s',
      luaFile,
      `http://127.0.0.1:${port}/v1/code`,
    ];
    const out = await measured('wrk', args);
    const found = /(\d+) requests in ([\d.]+)(m?s)/.exec(out);
    const others = Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0);
    if (!found || others !== (status === 200 ? 0 : Number(found[1])))
      throw new Error(`wrk did not get its answers:\n${out}`);
    return {
      answers: Number(found[1]),
      seconds: Number(found[2]) / (found[3] === 'ms' ? 1_000 : 1),
    };
  };

/** As little as a client in Node can cost. */
export const byLines =
  (tokensFile: string): Loader =>
  async (port, seconds) =>
    JSON.parse(
      await measured(process.execPath, [
        script('load-lines'),
        String(port),
        String(seconds),
        tokensFile,
      ]),
    );

export const byGrpc =
  (people: number, mode: 'unary' | 'stream', perMessage = 1): Loader =>
  async (port, seconds) =>
    JSON.parse(
      await measured(process.execPath, [
        script('load-grpc'),
        String(port),
        String(seconds),
        String(people),
        mode,
        String(perMessage),
      ]),
    );

const sign = createSigner({ algorithm: 'HS256', key: SECRET, kid: 'b1' });

/** What the n-th person's phone shows at the phones' door. */
export function tokenOf(n: number): string {
  const iat = Math.floor(Date.now() / 1_000);
  return sign({ iss: ISSUER, sub: subjectOf(n), aud: 'lookup-http', iat, exp: iat + 7_200 });
}

/** Different tokens of people spread over the whole population, and a wrk script that goes round them. */
export function writeTokens(
  dir: string,
  tokens: number,
  people: number,
): { tokensFile: string; luaFile: string } {
  const lines = Array.from({ length: tokens }, (_, i) => tokenOf((i * 7919) % people));
  const tokensFile = join(dir, 'tokens.txt');
  writeFileSync(tokensFile, `${lines.join('\n')}\n`);
  const luaFile = join(dir, 'tokens.lua');
  writeFileSync(
    luaFile,
    `local requests = {}
function init(args)
  local n = 0
  for token in io.lines("${tokensFile}") do
    n = n + 1
    requests[n] = "GET /v1/code HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer " .. token .. "\\r\\n\\r\\n"
  end
end
local i = 0
function request()
  i = i % #requests + 1
  return requests[i]
end
`,
  );
  return { tokensFile, luaFile };
}
