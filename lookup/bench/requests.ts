// What a request costs when memory has the answer, beside the least that anything on the same library costs.

import type { Bench } from './bench.ts';
import { byAutocannon, byGrpc, byWrk, type Loader, type Status, writeTokens } from './load.ts';
import { measureMemory } from './memory.ts';
import { BenchServer, hasProgram } from './process.ts';
import { type Case, type Measured, measure } from './rounds.ts';
import type { ServerKind } from './server.ts';

const MEMORY = 'memory bytes a record';

interface Planned extends Omit<Case, 'server'> {
  readonly on: string;
}

export async function measureRequests(bench: Bench): Promise<void> {
  const { short, say } = bench;
  const people = short ? 100_000 : 1_000_000;
  const tokens = short ? 20_000 : 200_000;
  const wrk = hasProgram('wrk');
  const planned = plan(bench, people, tokens, wrk).filter(({ name }) => bench.wants(name));
  if (planned.length > 0) {
    say(`\nRequests: ${people} people, ${tokens} tokens; servers on one core, loads on another`);
    if (!wrk)
      say('wrk is not here (Debian: apt-get install wrk): autocannon leaves the server half idle');
    const results = await onServers(planned, people, tokens, (cases) => measure(cases, bench, say));
    tell(bench, results, wrk ? 'wrk' : 'autocannon');
  }
  if (bench.wants(MEMORY))
    bench.figures.add('memory_bytes_per_record', await measureMemory(people));
}

function plan(bench: Bench, people: number, tokens: number, wrk: boolean): Planned[] {
  const { tokensFile, luaFile } = writeTokens(bench.dir, tokens, people);
  const loaders: [string, (status: Status) => Loader][] = [
    ['autocannon', (status) => byAutocannon(tokensFile, status)],
  ];
  if (wrk) loaders.unshift(['wrk', (status) => byWrk(luaFile, status)]);
  const rows: [string, string, Status][] = [
    ['bare reply', 'bare', 200],
    ['token remembered', 'remembering', 200],
    ['token first seen', 'forgetful', 200],
    ['refused at the door', 'refusing', 503],
  ];
  const http = loaders.flatMap(([by, loadOf]) =>
    rows.map(([name, on, status]) => ({
      ...{ name: `http ${name} (${by})`, on },
      ...{ port: 'http' as const, load: loadOf(status) },
    })),
  );
  const grpc: [string, string, Loader][] = [
    ['grpc unary, bare node:http2', 'http2', byGrpc(people, 'unary')],
    ['grpc unary, grpc-js with an empty handler', 'empty', byGrpc(people, 'unary')],
    ['grpc unary, Lookup', 'remembering', byGrpc(people, 'unary')],
    ['grpc LookupStream, 1 a message', 'remembering', byGrpc(people, 'stream', 1)],
    ['grpc LookupStream, 16 a message', 'remembering', byGrpc(people, 'stream', 16)],
  ];
  return [...http, ...grpc.map(([name, on, load]) => ({ name, on, port: 'grpc' as const, load }))];
}

/** Starts those that are asked, and ends them after. */
async function onServers<T>(
  planned: readonly Planned[],
  people: number,
  tokens: number,
  work: (cases: Case[]) => Promise<T>,
): Promise<T> {
  const kinds: Record<string, [ServerKind, object]> = {
    bare: ['bare-http', {}],
    remembering: ['lookup', { people, tokensMax: tokens }],
    forgetful: ['lookup', { people, tokensMax: 1_000 }],
    refusing: ['lookup', { people: 1_000, tokensMax: 1_000, refusing: true }],
    http2: ['bare-http2', {}],
    empty: ['empty-grpc', {}],
  };
  const servers = new Map<string, BenchServer>();
  try {
    for (const { on } of planned) {
      const [kind, options] = kinds[on] as [ServerKind, object];
      if (!servers.has(on)) servers.set(on, await BenchServer.start(kind, options));
    }
    return await work(
      planned.map((one) => ({ ...one, server: servers.get(one.on) as BenchServer })),
    );
  } finally {
    for (const server of servers.values()) await server.stop();
  }
}

/** Ratios of the same round, and what one core would do: answers a second of CPU, whatever the load could ask. */
function tell({ figures }: Bench, results: ReadonlyMap<string, Measured>, by: string): void {
  const cpu = (name: string) => results.get(name)?.cpuUs ?? [];
  const ratio = (figure: string, name: string, to: string) => {
    const [costs, base] = [cpu(name), cpu(to)];
    if (costs.length > 0 && base.length > 0)
      figures.add(
        figure,
        costs.map((us, i) => us / (base[i] as number)),
      );
  };
  const perCore = (figure: string, name: string) => {
    if (cpu(name).length > 0)
      figures.add(
        figure,
        cpu(name).map((us) => Math.round(1e6 / us)),
      );
  };
  figures.note('http_load', by);
  for (const [end, loader] of [
    ['', by],
    ['_autocannon', 'autocannon'],
  ]) {
    const bare = `http bare reply (${loader})`;
    ratio(`http_remembered_ratio${end}`, `http token remembered (${loader})`, bare);
    ratio(`http_first_seen_ratio${end}`, `http token first seen (${loader})`, bare);
    ratio(`http_refused_ratio${end}`, `http refused at the door (${loader})`, bare);
  }
  const unary = 'grpc unary, Lookup';
  ratio('grpc_unary_ratio', unary, 'grpc unary, grpc-js with an empty handler');
  ratio('grpc_unary_to_bare_http2', unary, 'grpc unary, bare node:http2');
  perCore('grpc_stream_1_per_s', 'grpc LookupStream, 1 a message');
  perCore('grpc_stream_16_per_s', 'grpc LookupStream, 16 a message');
}
