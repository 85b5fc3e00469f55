import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNode } from '../../test/process.ts';
import { ROOT } from '../rig/root.ts';
import { BROKEN } from './broken.ts';

/** `lookup config` reads the settings as every process does, and refuses what is none. */
async function refused(env: Readonly<Record<string, string>>): Promise<string> {
  const program = await startNode([join(ROOT, 'dist/lookup/cli.js'), 'config'], env);
  const { code } = await program.ended;
  return code === 0 ? '' : program.stderr();
}

test.each(BROKEN.flatMap(({ name, env }) => (env ? [[name, env] as const] : [])))(
  'what is told to the processes for "%s" is a setting that they take',
  async (_, env) => {
    expect(await refused(env)).toBe('');
  },
);

test('one that they do not take is seen here', async () => {
  expect(await refused({ LOOKUP_MEMORY_RECORDS_MAX: '20000000' })).toContain('MEMORY_RECORDS_MAX');
});
