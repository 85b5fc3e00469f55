// npm run bench: what each step costs, beside the least that anything on the same library costs, in the same run. The
// machines are shared and noisy: read the ratios. Servers and loads are processes of their own, pinned to cores of
// their own where CPU is told; rounds are interleaved; of each, the median and the spread are told. A target that is
// missed is told as missed, with its number.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { Figures } from './figures.ts';
import { measureImport } from './import.ts';
import { measureRequests } from './requests.ts';
import { measureWhole } from './whole.ts';

const HELP = `usage: npm run bench -- [--short] [--json] [--only WORD] [--people N]

  --short      a few seconds each, on fewer people: that it works, not what it costs
  --json       one object on standard output, nothing else
  --only WORD  just what has this word in its name
  --people N   of the whole system; 1000000 unless told, or 200000 when short
`;

const PARTS: readonly ((bench: Bench) => Promise<void>)[] = [
  measureRequests,
  measureImport,
  measureWhole,
];

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) return void process.stdout.write(HELP);
  const after = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const [only, people] = [after('--only'), after('--people')];
  const known = ['--short', '--json', '--only', only, '--people', people];
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown) {
    process.stderr.write(`${unknown}: no such option\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  const short = args.includes('--short');
  const json = args.includes('--json');
  const cityPeople = Number(people ?? (short ? 200_000 : 1_000_000));
  const say = (line: string) => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const figures = new Figures();
  const dir = mkdtempSync(join(tmpdir(), 'lookup-bench-'));
  const wants = (name: string) => only === undefined || name.includes(only);
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  for (const part of PARTS) await part({ short, cityPeople, dir, figures, say, wants });
  figures.note('short', short ? 'yes' : 'no');
  figures.note('node', process.version);
  if (json) process.stdout.write(`${figures.json()}\n`);
  else figures.print(say);
}

await main();
