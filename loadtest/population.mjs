// npm run population: the made people as CSV on standard output. Plain JavaScript: it runs before anything is built,
// on every supported Node.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { builtModule } from './built.mjs';

const HELP = `npm run --silent population -- --people N [options]

Writes made people to standard output, the same ones each time, as "lookup import" reads them:

  npm run --silent population -- --areas             | npx lookup import-areas - --format csv --yes
  npm run --silent population -- --people 100000     | npx lookup import - --format csv --yes
  npm run --silent population -- --people 100000 --photos DIR > with-photos.csv
  npx lookup import with-photos.csv --photos DIR --yes

  --people N    so many, from 1 to 60000000
  --seed N      another city, from 0 to 1000000 (1)
  --areas       the areas, and nobody
  --photos DIR  only those (one in 500) whose photos exist, which are written into DIR
  --help
`;

function leave(text) {
  process.stderr.write(`${text}\n\n${HELP}`);
  process.exit(2);
}

function readOptions() {
  let values;
  try {
    values = parseArgs({
      options: {
        people: { type: 'string' },
        seed: { type: 'string', default: '1' },
        areas: { type: 'boolean', default: false },
        photos: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    leave(error.message);
  }
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const whole = (name, least, most) => {
    const number = /^\d{1,8}$/.test(values[name] ?? '') ? Number(values[name]) : Number.NaN;
    if (!(number >= least && number <= most))
      leave(`--${name} ${values[name] ?? ''}: must be a whole number from ${least} to ${most}`);
    return number;
  };
  const people = values.areas ? 0 : whole('people', 1, 60_000_000);
  return { ...values, people, seed: whole('seed', 0, 1_000_000) };
}

const { people, seed, areas, photos } = readOptions();
const { areaLines, peopleLines, photoLines } = await builtModule('lib/generate', ['lib']).catch(
  ({ message }) => leave(message),
);
const lines = areas
  ? [areaLines()]
  : photos === undefined
    ? peopleLines(people, seed)
    : photoLines(people, seed, photos);
try {
  await pipeline(Readable.from(lines), process.stdout);
} catch (error) {
  // Whoever reads has had enough.
  if (error.code !== 'EPIPE') throw error;
}
