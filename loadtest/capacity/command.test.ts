import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const command = fileURLToPath(new URL('../capacity.mjs', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'capacity-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function capacity(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const MORNING = ['--people', '10000000', '--seconds', '60'];

function resultOf(name: string, heldPerS: number, settings: object): string {
  const path = join(folder, name);
  const figures = [
    { name: 'held_per_s', value: heldPerS, unit: '/s', better: 'more' },
    { name: 'question_us', value: 200, unit: 'µs' },
    { name: 'idle_cores', value: 0.05, unit: 'cores' },
  ];
  const result = { format: 1, scenario: 'breakpoint', commit: 'abc1234', settings, figures };
  writeFileSync(path, JSON.stringify(result));
  return path;
}

describe('npm run capacity', () => {
  test('says what a morning needs, and what it assumes', () => {
    const { status, stdout, stderr } = capacity(...MORNING);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^10,000,000 people within 60 s\n/);
    expect(stdout).toMatch(/all questions +300,000\n/);
    for (const words of ['processes  ', 'LOOKUP_MEMORY_RECORDS_MAX', 'Assumed', '--utilization'])
      expect(stdout).toContain(words);
    expect(stdout.split('\n').every((line) => line.length < 200)).toBe(true);
  });

  test('says it as JSON too', () => {
    const quarter = ['--people', '10000000', '--seconds', '900'];
    const { stdout } = capacity(...quarter, '--json', '--city', '30000000');
    const { morning, plan, compared } = JSON.parse(stdout);
    expect(morning).toMatchObject({ people: 10_000_000, city: 30_000_000, utilization: 0.6 });
    expect(plan.settings.LOOKUP_SOURCE_QUERIES_PER_S).toBe(
      Math.floor((500 / 1.1 / plan.processes - 5) * 0.9),
    );
    expect(compared).toEqual([]);
  });

  test('takes shares that are told', () => {
    const of = (...args: string[]) => JSON.parse(capacity(...MORNING, '--json', ...args).stdout);
    const all = of('--share-memory', '1');
    expect(all.morning.load.layers).toEqual({ memory: 1, redis: 0 });
    const cold = of('--share-memory', '0.2', '--share-redis', '0.5');
    expect(cold.plan.rates.source).toBeCloseTo(90_000, 3);
    expect(cold.plan.processes).toBeGreaterThan(all.plan.processes);
  });

  test('sets what was predicted beside what was measured, and is not content with a far one', () => {
    const settings = {
      ...{ people: 100_000, services: 2, service_cores: 1 },
      'people in the memory of a service': 5_000,
    };
    const predicted = JSON.parse(
      capacity('--json', '--measured', resultOf('any.json', 1_000, settings)).stdout,
    ).compared[0].predicted;
    const near = resultOf('near.json', predicted / 1.2, settings);
    const far = resultOf('far.json', predicted / 0.7, settings);
    const one = capacity('--measured', near);
    expect(one.status).toBe(0);
    // (0.7 of a core - 0.05) / 200 us.
    expect(predicted).toBe(3_250);
    expect(one.stdout).toContain('breakpoint abc1234: 2 processes, 1 cores, 100,000 people');
    expect(one.stdout).toContain('+20 %');
    const both = capacity('--measured', near, far);
    expect(both.status).toBe(1);
    expect(both.stdout).toContain('-30 %  more than 25 % away');
    // costs.json, and nothing of the run.
    const { byCosts } = JSON.parse(capacity('--json', '--measured', near).stdout).compared[0];
    expect(byCosts).not.toBe(predicted);
    expect(both.stdout).toContain(
      `by the costs that are stored ${byCosts.toLocaleString('en-US')}`,
    );
  });

  test('plans by what a question cost in a run that is given', () => {
    const settings = {
      ...{ people: 100_000, services: 2, service_cores: 1 },
      'people in the memory of a service': 5_000,
    };
    const run = resultOf('here.json', 3_250, settings);
    const of = (...args: string[]) => JSON.parse(capacity(...MORNING, '--json', ...args).stdout);
    const { plan, compared } = of('--measured', run);
    expect(plan.processesBusy).toBe(of().plan.processesBusy);
    const times = plan.processes / plan.processesBusy;
    expect(times / compared[0].apart).toBeCloseTo(1, 1);
    expect(capacity(...MORNING, '--measured', run).stdout).toContain(
      'the dearest of the runs given',
    );
  });

  test.each([
    ['nothing', [], '--people and --seconds say what comes'],
    ['no time', ['--people', '5'], '--people and --seconds say what comes'],
    ['no people', ['--people', '0', '--seconds', '60'], '--people 0: must be a whole number'],
    ['half a person', ['--people', '1.5', '--seconds', '60'], '--people 1.5: must be'],
    ['a use above 1', [...MORNING, '--utilization', '1.5'], '--utilization 1.5: must be a number'],
    ['too large shares', [...MORNING, '--share-memory', '1', '--share-redis', '0.1'], 'at most 1'],
    ['a small city', [...MORNING, '--city', '5'], '--city 5: has at least the 10000000'],
    ['an unknown option', [...MORNING, '--poeple', '5'], '--poeple'],
    ['a word', [...MORNING, 'word'], 'word: is no option'],
    ['a file that is not there', [...MORNING, '--costs', '/no/such'], '/no/such: cannot be read'],
    ['a file of no costs', [...MORNING, '--costs', command], 'no JSON'],
    ['a result of nothing', ['--measured', command], 'no JSON'],
  ])('ends with 2 and its help when it is told %s', (_, args, why) => {
    const { status, stdout, stderr } = capacity(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(why);
    expect(stderr).toContain('npm run --silent capacity --');
  });

  test('ends with 2 when a result has not what it needs', () => {
    const { status, stderr } = capacity('--measured', resultOf('bare.json', 5, { people: 5 }));
    expect(status).toBe(2);
    expect(stderr).toContain('bare.json: no "services" above 0 among the settings');
  });

  test('ends with 2 when a result does not say what its questions cost', () => {
    const path = join(folder, 'dear.json');
    const figures = [{ name: 'held_per_s', value: 5 }];
    writeFileSync(path, JSON.stringify({ scenario: 'breakpoint', commit: 'abc1234', figures }));
    const { status, stderr } = capacity('--measured', path);
    expect(status).toBe(2);
    expect(stderr).toContain('too few of its steps were low');
  });

  test('has a help', () => {
    expect(capacity('--help')).toMatchObject({ status: 0, stderr: '' });
  });
});
