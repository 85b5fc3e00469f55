import { expect, test } from 'vitest';
import { deadFiles, insiders, leftovers, strayLibraries } from './tidy.ts';

const one = (text: string, path = 'lookup/a.test.ts') => leftovers(new Map([[path, text]]), 20);

test('a library outside its home is found, however it is loaded', () => {
  const homes = { pg: /^source\/postgres\.ts/, 'uws-current': /^edge\/uws\.ts/ };
  const stray = (path: string, text: string) => strayLibraries(new Map([[path, text]]), homes);
  expect(stray('lookup/source/postgres.ts', `import pg from 'pg';`)).toEqual([]);
  expect(stray('lookup/edge/uws.ts', `const folder = 'uws-current/';`)).toEqual([]);
  for (const text of [
    `import pg from 'pg';`,
    `import pg from "pg/lib/client.js";`,
    `await import('pg')`,
    `require('pg')`,
    `require.resolve('pg')`,
    `import 'pg'`,
    'const folder = `uws-current/x`;',
  ])
    expect(stray('lookup/feed/outbox.ts', text), text).toHaveLength(1);
  expect(stray('lookup/log.ts', `import x from '@new/library/x'`)).toEqual([
    'lookup/log.ts uses @new/library, which has no home in the table',
  ]);
  expect(stray('lookup/log.ts', `// as in import pg from 'pg'`)).toEqual([]);
  expect(stray('lookup/log.ts', `add('import', 'people'); type A = 'from' | 'to';`)).toEqual([]);
  expect(stray('lookup/log.test.ts', `import pg from 'pg'`)).toEqual([]);
});

test('what sees the program from outside may not know it, however far round', () => {
  const files = new Map([
    ['loadtest/near.ts', `import '../lookup/clock.ts'`],
    ['loadtest/far.ts', `import '../test/gate.ts'; import '../test/wait.ts'`],
    ['test/gate.ts', `import '../lookup/edge/wire.ts'; import './gate.ts'`],
    ['test/wait.ts', ''],
  ]);
  expect(insiders(files, /^loadtest\//)).toEqual([
    'loadtest/near.ts imports lookup/clock.ts, in loadtest/near.ts',
    'loadtest/far.ts imports lookup/edge/wire.ts, in test/gate.ts',
  ]);
});

test('a file that only dead files import is dead', () => {
  const files = new Map([
    ['lookup/main.ts', `import './used.ts'`],
    ['lookup/used.ts', `new URL('page.html'); fork(join(here, 'forked.js'))`],
    ['lookup/forked.ts', ''],
    ['lookup/dead.ts', `import './deader.ts'`],
    ['lookup/deader.ts', ''],
    ['lookup/tried.ts', ''],
    ['lookup/tried.test.ts', `import './tried.ts'`],
    ['lookup/page.html', ''],
    ['lookup/lost.html', ''],
  ]);
  expect(deadFiles(files, /main\.ts$|\.test\.ts$/)).toEqual([
    'lookup/dead.ts',
    'lookup/deader.ts',
    'lookup/lost.html',
  ]);
});

// Written in two pieces, or this file would break the rules that it tries.
test.each([
  ['x'.repeat(21), 'is 21 wide'],
  [`a ${'colo'}${'ur'}`, 'is spelled color here'],
  [`// ${'TO'}${'DO'} later`, 'leaves something to do, without a reason'],
  [`// ${'FIX'}${'ME'}`, 'leaves something to do, without a reason'],
  [`test${'.only'}('x')`, 'runs one test only'],
  [`describe${'.only'}(`, 'runs one test only'],
  [`test${'.skip'}('x')`, 'skips a test without a reason'],
  [`it${'.todo'}('x')`, 'skips a test without a reason'],
])('a leftover is found: %s', (line, what) => {
  expect(one(`\n${line}\n`)).toEqual([`lookup/a.test.ts:2 ${what}`]);
});

test('what has a reason may stay', () => {
  expect(one(`// no server here\ntest${'.skip'}('x')`)).toEqual([]);
  const reasoned = `// ${'TO'}${'DO'}: when the relay is there`;
  expect(leftovers(new Map([['lookup/a.ts', reasoned]]), 99)).toEqual([]);
});
