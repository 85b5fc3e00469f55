// What a request costs when the record lies in Redis alone: memory is far too small for those who ask.

import type { Bench } from './bench.ts';
import { byLines, writeTokens } from './load.ts';
import { ANY_CORE, BenchServer, LOAD_CORE, SERVER_CORE } from './process.ts';
import { measure } from './rounds.ts';
import { metricOf, type System } from './system.ts';

/** Each comes round again only after so many others. */
const ASKERS_SHORT = 50_000;
const ASKERS = 200_000;
const MEMORY_RECORDS = 1_000;

const FOUND = (layer: string) => `lookup_found_total{edge="http",layer="${layer}"}`;

export async function measureHits(bench: Bench, system: System): Promise<void> {
  const askers = bench.short ? ASKERS_SHORT : ASKERS;
  const { tokensFile } = writeTokens(bench.dir, askers, system.city.people);
  const load = byLines(tokensFile);
  system.backing.pinRedis(LOAD_CORE);
  const servers: BenchServer[] = [];
  try {
    const bare = await BenchServer.start('bare-http');
    servers.push(bare);
    const service = await system.service(
      { memoryRecordsMax: MEMORY_RECORDS, redisWarmMs: 0, tokensMax: askers },
      SERVER_CORE,
    );
    servers.push(service);
    const results = await measure(
      [
        { name: 'http bare reply (lines)', server: bare, port: 'http', load },
        { name: 'redis hit over http (lines)', server: service, port: 'http', load },
      ],
      bench,
      bench.say,
    );
    const cpu = (name: string) => results.get(name)?.cpuUs ?? [];
    const [bares, hits] = [cpu('http bare reply (lines)'), cpu('redis hit over http (lines)')];
    const ratios = hits.map((us, i) => us / (bares[i] as number));
    bench.figures.add('redis_hit_ratio_to_bare', ratios, { most: 4 });
    const perS = hits.map((us) => 1e6 / us);
    bench.figures.add('redis_hits_per_s', perS, { least: 20_000 });
    const [memory, redis, source] = await Promise.all(
      ['memory', 'redis', 'source'].map((layer) => metricOf(service, FOUND(layer))),
    );
    const all = (memory ?? 0) + (redis ?? 0) + (source ?? 0);
    bench.figures.add('redis_hits_share', (redis ?? 0) / all, { least: 0.99 });
  } finally {
    for (const server of servers) await server.stop();
    system.backing.pinRedis(ANY_CORE);
  }
}
