import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { binaryPath, loadUws } from './uws.ts';

it('finds a binary for each Node that is supported, where the loader looks for it', () => {
  // Node 20, 22 and 24.
  for (const abi of ['115', '127', '137'])
    expect([abi, existsSync(binaryPath('uws-current', abi))]).toEqual([abi, true]);
  expect(existsSync(binaryPath('uws-node20', '115'))).toBe(true);
});

it('loads one of the two here, and says which', () => {
  const { uws, build, sha256 } = loadUws();
  expect(['uws-current', 'uws-node20']).toContain(build);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(uws.LIBUS_LISTEN_EXCLUSIVE_PORT).toBe(1);
});
