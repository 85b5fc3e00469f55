// npm run surge: builds, and runs a load test with all that it needs. Plain JavaScript: it runs before anything is
// built, on every supported Node.

import { parseArgs } from 'node:util';
import { findPostgres, findRedis } from '../test/needs.mjs';
import { builtModule, holdBuilt, WHOLE } from './built.mjs';
import { findK6, HOW_TO_GET } from './tools.mjs';

const HELP = `npm run surge -- [scenario] [options]

Brings up PostgreSQL, a Redis Cluster, relays and services on this machine, loads made people, runs a scenario of k6,
ends all that it started, and writes a report to open in a browser. The exit code is 0 only if every budget held.

  scenario            morning-surge, unless told
  --scale SCALE       ci: 100,000 people, minutes; day: 1,000,000; full: 10,000,000, hours on two cores (ci)
  --list              names the scenarios, and what can be broken on purpose
  --json              the result as one object on standard output (npm run --silent surge -- --json)
  --out DIR           where reports are kept (test-output/surge)
  --people N          other than the scale's
  --rate N            first openings a second at the peak; 1.8 questions for each (morning-surge at full 1.4,
                      hot-key 2.5); overload and relays-stopped find theirs themselves, and --seconds too
  --seconds N         of the peak; then not everybody is asked
  --services N        processes that answer (2), at most 4: each needs 4 of the source's 16 connections
  --service-cores N   of CPU, as 0.4, that all of them together may use (breakpoint, overload, relays-stopped);
                      these three need Linux and root
  --break WHAT        breaks something on purpose: a budget must fail
  --help

Exit codes: 0 every budget held; 1 some did not; 2 it could not be run; 130 it was ended.
`;

function leave(code, text) {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

function wordsOf() {
  try {
    const text = { type: 'string' };
    const flag = { type: 'boolean', default: false };
    return parseArgs({
      allowPositionals: true,
      options: {
        scale: { ...text, default: 'ci' },
        list: flag,
        json: flag,
        help: { ...flag, short: 'h' },
        out: text,
        people: text,
        rate: text,
        seconds: text,
        services: text,
        'service-cores': text,
        break: text,
      },
    });
  } catch (error) {
    return leave(2, `${error.message}\n\n${HELP}`);
  }
}

/** Name of the option -> least, most. */
const NUMBERS = {
  people: [1_000, 30_000_000],
  rate: [1, 1_000_000],
  seconds: [1, 86_400],
  services: [2, 4],
  'service-cores': [0.05, 64],
};

const WHOLE_ONLY = new Set(['people', 'services']);

function numbersOf(values) {
  return Object.fromEntries(
    Object.entries(NUMBERS).map(([name, [least, most]]) => {
      if (values[name] === undefined) return [name, undefined];
      const value = Number(values[name]);
      const isWhole = Number.isInteger(value) || !WHOLE_ONLY.has(name);
      if (!(isWhole && value >= least && value <= most)) {
        const kind = WHOLE_ONLY.has(name) ? 'whole number' : 'number';
        leave(2, `--${name} ${values[name]}: must be a ${kind} from ${least} to ${most}`);
      }
      return [name, value];
    }),
  );
}

const { values, positionals } = wordsOf();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const numbers = numbersOf(values);
if (positionals.length > 1) leave(2, `${positionals[1]}: one scenario at a time\n\n${HELP}`);
const { main, list, names } = await builtModule('surge/main', WHOLE).catch(({ message }) =>
  leave(2, `${message}\nNothing was started.`),
);
holdBuilt();
if (values.list) {
  process.stdout.write(list());
  process.exit(0);
}
const [scenario = 'morning-surge'] = positionals;
const known = (what, value, all) => {
  if (value !== undefined && !all.includes(value))
    leave(2, `${value}: no such ${what}; there are ${all.join(', ')}`);
};
known('scenario', scenario, names.scenarios);
known('scale', values.scale, names.scales);
known('thing to break', values.break, names.broken);
for (const name of ['rate', 'seconds'])
  if (values[name] !== undefined && names.onAShare.includes(scenario))
    leave(2, `--${name}: ${scenario} finds what the services can answer, and asks by that`);
const missing = [
  ...(findPostgres() ? [] : ['PostgreSQL (postgresql)']),
  ...(findRedis() ? [] : ['Redis (redis-server)']),
];
if (missing.length > 0)
  leave(
    2,
    `Not here: the servers of ${missing.join(' and ')}. "npm test" installs them where it can.`,
  );
const k6 = findK6();
if (!k6) leave(2, HOW_TO_GET);
process.exitCode = await main({
  ...{ scenario, scale: values.scale, json: values.json, out: values.out, broken: values.break },
  ...{ people: numbers.people, rate: numbers.rate, seconds: numbers.seconds },
  ...{ services: numbers.services, serviceCores: numbers['service-cores'], k6 },
});
