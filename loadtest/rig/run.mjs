// npm run dev:cluster: builds, and runs the rig. Plain JavaScript: it runs before anything is
// built, on every supported Node.

import { parseArgs } from 'node:util';
import { findPostgres, findRedis } from '../../test/needs.mjs';
import { builtModule, holdBuilt, WHOLE } from '../built.mjs';

const HELP = `npm run dev:cluster [-- options]

Starts the whole system on this machine: PostgreSQL, a Redis Cluster, relays and services, each a process of its own
with its own ports, all private to this run. Shows their logs, and what to try. Ctrl-C ends all and leaves nothing.

  --services N    processes that answer phones and gates (2)
  --relays N      processes that carry changes into Redis: a leader and standbys (2)
  --masters N     of Redis (3)
  --replicas N    of Redis, dealt out to the masters (3)
  --people N      made people that the source begins with (10000)
  --first-port N  all ports from here on; free ones, unless told
  --help
`;

/** Name of the option -> least, most, unless told. */
const NUMBERS = {
  services: [1, 32, 2],
  relays: [0, 8, 2],
  masters: [1, 16, 3],
  replicas: [0, 32, 3],
  people: [0, 30_000_000, 10_000],
  'first-port': [1_024, 55_000, undefined],
};

const say = (text) => process.stderr.write(`${text}\n`);
function leave(code, text) {
  say(text);
  process.exit(code);
}

function readOptions() {
  const numbers = Object.keys(NUMBERS).map((name) => [name, { type: 'string' }]);
  let values;
  try {
    values = parseArgs({
      options: { ...Object.fromEntries(numbers), help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    leave(2, `${error.message}\n\n${HELP}`);
  }
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const options = {};
  for (const [name, [least, most, otherwise]] of Object.entries(NUMBERS)) {
    const text = values[name];
    const value =
      text === undefined ? otherwise : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (text !== undefined && !(value >= least && value <= most))
      leave(2, `--${name} ${text}: must be a whole number from ${least} to ${most}`);
    options[name] = value;
  }
  return options;
}

const options = readOptions();
const missing = [
  ...(findPostgres() ? [] : ['PostgreSQL (postgresql)']),
  ...(findRedis() ? [] : ['Redis (redis-server)']),
];
if (missing.length > 0)
  leave(
    1,
    `Not here: the servers of ${missing.join(' and ')}. "npm test" says more, and installs them where it can.`,
  );
const { main } = await builtModule('rig/main', WHOLE).catch(({ message }) =>
  leave(1, `${message}\nNothing was started.`),
);
holdBuilt();
await main(options);
