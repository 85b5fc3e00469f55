// Rounds of load on servers, interleaved; the server's CPU an answer in each.

import { median, spread } from './figures.ts';
import type { Load, Loader } from './load.ts';
import type { BenchServer } from './process.ts';

export interface Case {
  readonly name: string;
  readonly server: BenchServer;
  readonly port: 'http' | 'grpc';
  readonly load: Loader;
}

export interface Measured {
  /** Server CPU an answer, microseconds, of each round. */
  readonly cpuUs: number[];
  readonly perS: number[];
}

async function round(
  { server, port, load }: Case,
  seconds: number,
): Promise<{ cpuUs: number; perS: number }> {
  const before = await server.cpuUs();
  const { answers, seconds: took }: Load = await load(server.ports[port] as number, seconds);
  const used = (await server.cpuUs()) - before;
  return { cpuUs: used / answers, perS: answers / took };
}

export async function measure(
  cases: readonly Case[],
  { short }: { readonly short: boolean },
  say: (line: string) => void,
): Promise<Map<string, Measured>> {
  const [rounds, seconds] = short ? [1, 2] : [5, 5];
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
  table(results, say);
  return results;
}

function table(results: ReadonlyMap<string, Measured>, say: (line: string) => void): void {
  say(`\n${''.padEnd(50)}us CPU   spread         answers/s`);
  for (const [name, { cpuUs, perS }] of results) {
    const cost = median(cpuUs).toFixed(2).padStart(8);
    say(`${name.padEnd(48)}${cost}   ${spread(cpuUs).padEnd(14)} ${Math.round(median(perS))}`);
  }
}
