import { type Browser, chromium } from 'playwright-core';
import { findChromium } from './needs.mjs';

// As root in a container it has no sandbox of its own; and it must not try to reach its maker's hosts.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * A headless Chromium, the machine's own.
 * @throws when there is none: a page that was not looked at has not passed
 */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath)
    throw new Error('no Chromium here: install it (Debian: apt-get install chromium)');
  return chromium.launch({ executablePath, args: ARGS });
}
