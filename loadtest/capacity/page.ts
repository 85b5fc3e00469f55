// A plan as people read it.

import type { Costs } from './costs.ts';
import { type Compared, NEAR } from './measured.ts';
import { GATE_EVERY_SECONDS, type Morning, type Plan } from './plan.ts';

const number = (value: number) => Math.round(value).toLocaleString('en-US');
const percent = (share: number) => `${Number((share * 100).toPrecision(3))} %`;
const megabytes = (bytes: number) => `${number(bytes / 1e6)} MB`;

type Row = readonly [name: string, value: string, note?: string];

function table(title: string, rows: readonly Row[]): string {
  const name = Math.max(...rows.map(([text]) => text.length));
  const value = Math.max(...rows.map(([, text]) => text.length));
  const lines = rows.map(([a, b, note = '']) =>
    `  ${a.padEnd(name)}  ${b.padStart(value)}  ${note}`.trimEnd(),
  );
  return `${title}\n${lines.join('\n')}\n`;
}

/** @param isMeasured whether what a question costs by itself is of runs that were given */
export function pageOfPlan(
  plan: Plan,
  morning: Morning,
  costs: Costs,
  isMeasured: boolean,
): string {
  const { rates, processes, relays, redis, connections } = plan;
  const questions: Row[] = [
    ['phones', number(rates.phones)],
    ['gates, a call each', number(rates.gates)],
    ['gates, on streams', number(rates.lines)],
    ['all questions', number(rates.questions)],
    ['photos beside them', number(rates.photos)],
    ['records read from Redis', number(rates.redis)],
    ['people read from the source', number(rates.source)],
  ];
  const fleet: Row[] = [
    ['processes', number(processes), 'a core and a pod each'],
    ['were all of them busy', number(plan.processesBusy), 'and answered many in one turn'],
    ['relays', number(relays), 'a leader and a standby'],
    ['cores', number(processes + relays), 'without Redis and PostgreSQL'],
    ['memory of a process', megabytes(plan.bytes)],
    ['Redis shards', number(redis.shards), `${redis.nodes} nodes with their replicas, a core each`],
    ['records in a shard', megabytes(redis.bytesOfShard)],
  ];
  const kept: Row[] = [
    ['phones to the proxy', number(connections.phones)],
    ['proxy to processes', number(connections.proxy)],
    ['gates to processes', number(connections.gates)],
    ['processes and relays to Redis', number(connections.redis)],
    ['processes and relays to PostgreSQL', number(connections.source)],
  ];
  const settings = Object.entries(plan.settings).map(
    ([name, value]): Row => [name, value === 0 ? 'none' : String(value)],
  );
  return [
    `${number(morning.people)} people within ${number(morning.seconds)} s\n`,
    table('Questions a second, at the peak', questions),
    table('Fleet', fleet),
    table('Connections', kept),
    table('Settings of each process', settings),
    `Assumed\n${assumptions(morning, costs, isMeasured)
      .map((line) => `  - ${line}`)
      .join('\n')}\n`,
    ...(plan.warnings.length > 0
      ? [`Warnings\n${plan.warnings.map((line) => `  - ${line}`).join('\n')}\n`]
      : []),
  ].join('\n');
}

function assumptions(morning: Morning, costs: Costs, isMeasured: boolean): string[] {
  const { load, utilization } = morning;
  const { shares, layers, photo } = load;
  const source = Math.max(0, 1 - layers.memory - layers.redis);
  return [
    `for each first opening ${shares.reopen} again, ${shares.gate} calls and ${shares.line} stream questions of gates`,
    `a photo is fetched at ${percent(photo)} of the first openings (--share-photo)`,
    `found in memory ${percent(layers.memory)}, in Redis ${percent(layers.redis)}, in the source ${percent(source)}` +
      ' (--share-memory, --share-redis; else of a warm city, by --memory-records of --city)',
    'a proxy sends anybody anywhere: who comes again meets the process that knows them by chance only',
    `a core is used to ${percent(utilization)} at the peak (--utilization)`,
    `questions come one by one, and each costs ${Number(costs.times.apart.toPrecision(3))} times what it costs a ` +
      `busy process (${isMeasured ? 'the dearest of the runs given' : 'as stored; --measured takes a run here'})`,
    `a phone's connection stays for ${morning.keepAliveSeconds} s (--keep-alive), ` +
      `the proxy keeps ${morning.proxyConnections} to each process (--proxy-connections)`,
    `a gate has one connection, and asks every ${GATE_EVERY_SECONDS} s`,
    'the limits of the source are of the whole fleet: each process gets its part, rounded down, less what photos, ' +
      'the feed and a first second take',
    `costs as measured ${costs.measured}; not measured: ${costs.assumed.join(', ') || 'none'}`,
  ];
}

export function pageOfCompared(rows: readonly Compared[]): string {
  const lines = rows.map((row): Row => {
    const { scenario, commit, processes, cores, people, measured, difference } = row;
    const what = `${scenario} ${commit}: ${processes} processes, ${cores} cores, ${number(people)} people`;
    const signed = `${difference < 0 ? '' : '+'}${(difference * 100).toFixed(0)} %`;
    const far = row.isNear ? '' : `  more than ${percent(NEAR)} away`;
    const byCosts = `(by the costs that are stored ${number(row.byCosts)})`;
    const found = `${number(measured).padStart(9)}  ${signed}${far}  ${byCosts}`;
    return [what, number(row.predicted), found];
  });
  return table(
    'Held questions a second: predicted from its low steps, measured, difference',
    lines,
  );
}
