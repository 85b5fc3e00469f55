// The generator watches itself (k6): what it measures when it has no CPU left is its own, and not the service's.

import http from 'k6/http';
import { figures } from './figures.ts';
import { settings } from './settings.ts';

/** Above this share of the CPU that it may use, arrivals wait in the generator. */
const HIGH = 0.8;

/** The runner measures the generator's process, which a script cannot. */
export function generator(): void {
  const response = http.get(settings.generatorUrl, { tags: { name: 'generator' }, timeout: 2_000 });
  const share = Number(response.body);
  if (response.status !== 200 || !Number.isFinite(share))
    throw new Error(`GENERATOR_URL answers ${response.status}: no share of CPU`);
  figures.generatorCpu.add(share);
  figures.generatorCpuHigh.add(share > HIGH);
}
