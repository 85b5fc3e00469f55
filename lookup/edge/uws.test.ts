import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { binaryPath, loadUws } from './uws.ts';

it('finds a binary for each Node that is supported, where the loader looks for it', () => {
  // Node 20, 22 and 24.
  for (const abi of ['115', '127', '137'])
    expect([abi, existsSync(binaryPath('uws-current', abi))]).toEqual([abi, true]);
  expect(existsSync(binaryPath('uws-node20', '115'))).toBe(true);
});

/** Unofficial builds: what runs is what was looked at. SECURITY.md has the same. */
const PINNED = [
  ['uws-current', '115', '5b126ee00bf754b02e97e4c27090365a8562c5820c93f93918ac2212d4503e91'],
  ['uws-current', '127', '4b55b1f2cb7a7913febbb65a89496412b96af77e838552980092ba6b33723aac'],
  ['uws-current', '137', '98128405dba2fb608448e921a979530f70c946a2cc9889c15f2fa70c2d00ab05'],
  ['uws-node20', '115', 'f158fb441f7e2e37b3ab9a56782fe37f4c0d33b5cd32e96ee5c0120ce7db7ced'],
] as const;

it.each(PINNED)('pins %s for ABI %s on Linux x64', (build, abi, sha256) => {
  const path = binaryPath(build, abi).replace(/uws_\w+?_\d+\.node$/, `uws_linux_x64_${abi}.node`);
  expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256);
});

it('loads one of the two here, and says which', () => {
  const { uws, build, sha256 } = loadUws();
  expect(['uws-current', 'uws-node20']).toContain(build);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(uws.LIBUS_LISTEN_EXCLUSIVE_PORT).toBe(1);
});
