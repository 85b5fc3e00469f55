// npm run capacity: what a morning needs, by what was measured. Plain JavaScript: it runs before anything is built, on
// every supported Node.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { builtModule } from './built.mjs';

const HELP = `npm run --silent capacity -- --people N --seconds N [options]
npm run --silent capacity -- --measured FILE... [options]

Says how many questions a second come at the peak, and how many processes, shards and connections answer them; and
which part of the source's limits each process gets.

  --people N                so many open their phones, from 1 to 60000000
  --seconds N               within so many, evenly, from 1 to 86400
  --city N                  everybody whose record there is (as many as the people)
  --utilization N           of each core at the peak, from 0.05 to 1 (0.6)
  --memory-records N        people held by a process, LOOKUP_MEMORY_RECORDS_MAX (1000000)
  --share-memory N          of all questions, answered from memory; from 0 to 1
  --share-redis N           and from Redis; the source has the rest
  --share-photo N           of the first openings, those that fetch a photo (0.002, as the scripts do)
  --redis-mb N              records that a Redis node holds at most, in MB (4000)
  --redis-replicas N        of each shard (1)
  --source-queries-per-s N  of the whole fleet (500)
  --source-in-flight N      of the whole fleet (16)
  --source-connections N    of the whole fleet and its relays (500)
  --keep-alive N            seconds for which a phone's connection stays (60)
  --proxy-connections N     that the proxy keeps to each process (64)
  --costs FILE              other costs than loadtest/capacity/costs.json
  --measured FILE           the result of a breakpoint, to be compared with what is predicted; again for more
  --json                    all of it as JSON
  --help

It ends with 1 when a prediction is more than 25 % away from what was measured, and with 2 when it cannot answer.
`;

/** Name of the option -> least, most, unless told. Whole numbers, but for those that may be below 1. */
const NUMBERS = {
  people: [1, 60_000_000, 0],
  seconds: [1, 86_400, 0],
  city: [1, 60_000_000, 0],
  utilization: [0.05, 1, 0.6],
  'memory-records': [1, 8_300_000, 1_000_000],
  'share-memory': [0, 1, undefined],
  'share-redis': [0, 1, undefined],
  'share-photo': [0, 1, 0.002],
  'redis-mb': [1, 1_000_000, 4_000],
  'redis-replicas': [0, 5, 1],
  'source-queries-per-s': [1, 1_000_000, 500],
  'source-in-flight': [1, 100_000, 16],
  'source-connections': [1, 100_000, 500],
  'keep-alive': [0, 3_600, 60],
  'proxy-connections': [1, 10_000, 64],
};

function leave(text) {
  process.stderr.write(`${text}\n\n${HELP}`);
  process.exit(2);
}

function readOptions() {
  try {
    const numbers = Object.keys(NUMBERS).map((name) => [name, { type: 'string' }]);
    return parseArgs({
      allowPositionals: true,
      options: {
        ...Object.fromEntries(numbers),
        costs: { type: 'string' },
        measured: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    return leave(error.message);
  }
}

function numberOf(name, text) {
  const [least, most, otherwise] = NUMBERS[name];
  if (text === undefined) return otherwise;
  const isShare = most === 1;
  const value = (isShare ? /^\d(\.\d{1,9})?$/ : /^\d{1,8}$/).test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    leave(`--${name} ${text}: must be a ${isShare ? '' : 'whole '}number from ${least} to ${most}`);
  return value;
}

function fileOf(name) {
  try {
    return { name, text: readFileSync(name, 'utf8') };
  } catch (error) {
    return leave(`${name}: cannot be read (${error.code})`);
  }
}

const { values, positionals } = readOptions();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const number = (name) => numberOf(name, values[name]);
// A shell makes several words of result-*.json.
const measured = values.measured.length > 0 ? [...values.measured, ...positionals] : [];
if (measured.length === 0 && positionals.length > 0) leave(`${positionals[0]}: is no option`);
const [people, seconds] = [number('people'), number('seconds')];
if (measured.length === 0 && (people === 0 || seconds === 0))
  leave('--people and --seconds say what comes; or --measured, what was');
if ((people === 0) !== (seconds === 0)) leave('--people and --seconds: one needs the other');

const { capacity } = await builtModule('capacity/main', ['capacity', 'lib']).catch(({ message }) =>
  leave(message),
);
const { text, code } = capacity({
  ...{ people, seconds, city: number('city'), utilization: number('utilization') },
  ...{ photo: number('share-photo'), memoryRecords: number('memory-records') },
  ...{ shareMemory: number('share-memory'), shareRedis: number('share-redis') },
  ...{ redisReplicas: number('redis-replicas'), redisBytes: number('redis-mb') * 1e6 },
  sourceQueriesPerS: number('source-queries-per-s'),
  sourceInFlight: number('source-in-flight'),
  sourceConnections: number('source-connections'),
  ...{ keepAliveSeconds: number('keep-alive'), proxyConnections: number('proxy-connections') },
  costs: fileOf(values.costs ?? new URL('capacity/costs.json', import.meta.url).pathname),
  measured: measured.map(fileOf),
  json: values.json,
});
if (code === 2) leave(text);
process.stdout.write(text);
process.exitCode = code;
