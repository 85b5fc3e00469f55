// npm run capacity, but for reading options and files: what to print, and how it ended.

import { SHARES } from '../lib/shares.ts';
import { costsOf, WrongFile } from './costs.ts';
import { compare } from './measured.ts';
import { pageOfCompared, pageOfPlan } from './page.ts';
import { type Morning, planOf } from './plan.ts';
import { type Layers, warmLayers } from './predict.ts';

export interface File {
  readonly name: string;
  readonly text: string;
}

export interface Asked extends Omit<Morning, 'load' | 'people' | 'city'> {
  /** 0: none, only runs are compared. */
  readonly people: number;
  /** 0: as many as the people. */
  readonly city: number;
  readonly photo: number;
  /** Undefined: of a warm city. */
  readonly shareMemory: number | undefined;
  readonly shareRedis: number | undefined;
  readonly costs: File;
  readonly measured: readonly File[];
  readonly json: boolean;
}

export interface Ended {
  readonly text: string;
  /** 0; 1: a prediction is far from what was measured; 2: a file or an option is wrong. */
  readonly code: 0 | 1 | 2;
}

export function capacity(asked: Asked): Ended {
  const layersOf = (city: number): Layers => {
    const warm = warmLayers(asked.memoryRecords, city);
    const memory = asked.shareMemory ?? warm.memory;
    const rest = (1 - memory) * (warm.memory < 1 ? warm.redis / (1 - warm.memory) : 1);
    const redis = asked.shareRedis ?? rest;
    if (memory + redis > 1)
      throw new WrongFile('--share-memory and --share-redis: together at most 1');
    return { memory, redis };
  };
  try {
    const costs = reading(asked.costs, costsOf);
    const compared = asked.measured.map((file) => reading(file, (text) => compare(costs, text)));
    const code = compared.every(({ isNear }) => isNear) ? 0 : 1;
    const morning = asked.people === 0 ? undefined : morningOf(asked, layersOf);
    // The dearest of what was seen here goes before what is stored.
    const apart = Math.max(...compared.map((one) => one.apart));
    const here = compared.length === 0 ? costs : { ...costs, times: { apart } };
    const plan = morning && planOf(here, morning);
    if (asked.json)
      return { text: `${JSON.stringify({ morning, plan, compared }, null, 2)}\n`, code };
    const pages = [
      ...(plan ? [pageOfPlan(plan, morning, here, compared.length > 0)] : []),
      ...(compared.length > 0 ? [pageOfCompared(compared)] : []),
    ];
    return { text: pages.join('\n'), code };
  } catch (error) {
    if (error instanceof WrongFile) return { text: error.message, code: 2 };
    throw error;
  }
}

function morningOf(asked: Asked, layersOf: (city: number) => Layers): Morning {
  const city = asked.city || asked.people;
  if (city < asked.people)
    throw new WrongFile(`--city ${city}: has at least the ${asked.people} who come`);
  return { ...asked, city, load: { shares: SHARES, photo: asked.photo, layers: layersOf(city) } };
}

function reading<T>({ name, text }: File, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (error) {
    throw error instanceof WrongFile ? new WrongFile(`${name}: ${error.message}`) : error;
  }
}
