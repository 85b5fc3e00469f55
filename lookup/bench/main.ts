// npm run bench: what a request costs the server's CPU, beside the least that anything on the same library costs, in
// the same run. The machines are shared and noisy: read the ratios. Servers and loads are processes of their own,
// pinned to cores of their own; rounds are interleaved; of each, the median and the spread are told.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byAutocannon, byGrpc, byWrk, type Load, type Loader, writeTokens } from './load.ts';
import { measureMemory } from './memory.ts';
import { BenchServer, hasProgram } from './process.ts';
import type { ServerKind } from './server.ts';

const HELP = `usage: npm run bench -- [--short] [--json]

  --short  a few seconds each, on fewer people: that it works, not what it costs
  --json   one object on standard output, nothing else
  --only WORD   just the cases whose name has this word, and no summary
`;

interface Case {
  readonly name: string;
  readonly server: BenchServer;
  readonly port: 'http' | 'grpc';
  readonly load: Loader;
}

interface Measured {
  /** Server CPU an answer, microseconds, of each round. */
  readonly cpuUs: number[];
  readonly perS: number[];
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const spread = (values: readonly number[]) =>
  `${Math.min(...values).toFixed(1)}-${Math.max(...values).toFixed(1)}`;

async function round(
  { server, port, load }: Case,
  seconds: number,
): Promise<{ cpuUs: number; perS: number }> {
  const before = await server.cpuUs();
  const { answers, seconds: took }: Load = await load(server.ports[port] as number, seconds);
  const used = (await server.cpuUs()) - before;
  return { cpuUs: used / answers, perS: answers / took };
}

async function measure(
  cases: readonly Case[],
  rounds: number,
  seconds: number,
  say: (line: string) => void,
) {
  const results = new Map<string, Measured>(
    cases.map(({ name }) => [name, { cpuUs: [], perS: [] }]),
  );
  // The first time round is longer, fills caches and compiles: it is not counted.
  for (let i = -1; i < rounds; i++) {
    for (const one of cases) {
      const { cpuUs, perS } = await round(one, i < 0 ? seconds * 2 : seconds);
      if (i < 0) continue;
      results.get(one.name)?.cpuUs.push(cpuUs);
      results.get(one.name)?.perS.push(perS);
      say(`  round ${i + 1}/${rounds}  ${one.name.padEnd(44)} ${cpuUs.toFixed(2).padStart(7)} us`);
    }
  }
  return results;
}

function table(results: ReadonlyMap<string, Measured>, say: (line: string) => void): void {
  say(`\n${''.padEnd(50)}us CPU   spread         answers/s`);
  for (const [name, { cpuUs, perS }] of results) {
    const cost = median(cpuUs).toFixed(2).padStart(8);
    say(`${name.padEnd(48)}${cost}   ${spread(cpuUs).padEnd(14)} ${Math.round(median(perS))}`);
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) return void process.stdout.write(HELP);
  const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined;
  const unknown = args.find((arg) => !['--short', '--json', '--only', only].includes(arg));
  if (unknown) {
    process.stderr.write(`${unknown}: no such option\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  const short = args.includes('--short');
  const json = args.includes('--json');
  const say = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const people = short ? 100_000 : 1_000_000;
  const [rounds, seconds] = short ? [1, 2] : [5, 5];
  const dir = mkdtempSync(join(tmpdir(), 'lookup-bench-'));
  const servers: BenchServer[] = [];
  const start = async (kind: ServerKind, ...options: number[]) => {
    const server = await BenchServer.start(kind, ...options);
    servers.push(server);
    return server;
  };
  try {
    const tokens = short ? 20_000 : 200_000;
    say(
      `${people} people, ${tokens} tokens; ${rounds} rounds of ${seconds} s; servers on one core, loads on another`,
    );
    const { tokensFile, luaFile } = writeTokens(dir, tokens, people);
    const bare = await start('bare-http');
    const remembering = await start('lookup', people, tokens);
    const forgetful = await start('lookup', people, 1_000);
    const http2 = await start('bare-http2');
    const empty = await start('empty-grpc');
    const cases: Case[] = [];
    const wrk = hasProgram('wrk');
    const loaders: [string, Loader][] = [['autocannon', byAutocannon(tokensFile)]];
    if (wrk) loaders.unshift(['wrk', byWrk(luaFile)]);
    else
      say(
        'wrk is not here (Debian: apt-get install wrk): autocannon alone, which leaves the server half idle',
      );
    for (const [by, load] of loaders) {
      cases.push({ name: `http bare reply (${by})`, server: bare, port: 'http', load });
      cases.push({
        name: `http token remembered (${by})`,
        server: remembering,
        port: 'http',
        load,
      });
      cases.push({ name: `http token first seen (${by})`, server: forgetful, port: 'http', load });
    }
    const unary = byGrpc(people, 'unary');
    cases.push({ name: 'grpc unary, bare node:http2', server: http2, port: 'grpc', load: unary });
    cases.push({
      name: 'grpc unary, grpc-js with an empty handler',
      server: empty,
      port: 'grpc',
      load: unary,
    });
    cases.push({ name: 'grpc unary, Lookup', server: remembering, port: 'grpc', load: unary });
    cases.push({
      name: 'grpc LookupStream, 1 a message',
      server: remembering,
      port: 'grpc',
      load: byGrpc(people, 'stream', 1),
    });
    cases.push({
      name: 'grpc LookupStream, 16 a message',
      server: remembering,
      port: 'grpc',
      load: byGrpc(people, 'stream', 16),
    });
    const chosen = cases.filter(({ name }) => only === undefined || name.includes(only));
    const results = await measure(chosen, rounds, seconds, say);
    if (only !== undefined) return table(results, say);
    for (const server of servers.splice(0)) await server.stop();
    const bytesPerRecord = await measureMemory(people);

    const cpu = (name: string) => median(results.get(name)?.cpuUs ?? []);
    const by = wrk ? 'wrk' : 'autocannon';
    const toBare = (name: string, by: string) =>
      cpu(`http ${name} (${by})`) / cpu(`http bare reply (${by})`);
    const empties = cpu('grpc unary, grpc-js with an empty handler');
    // What one core would do: answers a second of CPU, whatever the load's core could ask.
    const perCore = (name: string) => Math.round(1e6 / cpu(name));
    const numbers = {
      http_load: by,
      http_remembered_ratio: toBare('token remembered', by),
      http_first_seen_ratio: toBare('token first seen', by),
      http_remembered_ratio_autocannon: toBare('token remembered', 'autocannon'),
      http_first_seen_ratio_autocannon: toBare('token first seen', 'autocannon'),
      grpc_unary_ratio: cpu('grpc unary, Lookup') / empties,
      grpc_unary_to_bare_http2: cpu('grpc unary, Lookup') / cpu('grpc unary, bare node:http2'),
      grpc_stream_1_per_s: perCore('grpc LookupStream, 1 a message'),
      grpc_stream_16_per_s: perCore('grpc LookupStream, 16 a message'),
      memory_bytes_per_record: bytesPerRecord,
      people,
      rounds,
      seconds,
      node: process.version,
    };
    if (json) return void process.stdout.write(`${JSON.stringify(numbers)}\n`);
    table(results, say);
    say('');
    for (const [name, value] of Object.entries(numbers))
      say(
        `${name.padEnd(36)} ${typeof value === 'number' ? Math.round(value * 1000) / 1000 : value}`,
      );
  } finally {
    for (const server of servers) await server.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

await main();
