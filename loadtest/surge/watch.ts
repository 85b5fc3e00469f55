// Looks at all of the system once a second while the load runs: what the services say of themselves, what the source
// counts, what each process takes from the machine.

import type { Rig } from '../rig/rig.ts';
import type { Served } from '../rig/served.ts';
import {
  cpuSecondsOf,
  cpuSecondsOfFamily,
  cpuSecondsOfMachine,
  descriptorsOf,
  memoryBytesOf,
  stalledSecondsOfMachine,
} from './processes.ts';
import type { SourceCounter } from './source-count.ts';

export interface Sample {
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Each service's /metrics; undefined: it did not answer. */
  readonly services: readonly (ReadonlyMap<string, number> | undefined)[];
  /** Of each service. */
  readonly memoryBytes: readonly (number | undefined)[];
  readonly descriptors: readonly (number | undefined)[];
  /** CPU seconds so far. */
  readonly cpuS: {
    readonly services: number;
    readonly relays: number;
    readonly redis: number;
    /** All of it, by whomever. */
    readonly machine: number;
    readonly source: number;
  };
  /** Seconds so far in which the machine stood still, or one of its cores; undefined: the kernel does not count it. */
  readonly stoodStillS: {
    /** Cores that another machine had. */
    readonly stolen: number;
    readonly memory: number | undefined;
    readonly io: number | undefined;
  };
  /** undefined: the source did not answer. */
  readonly source: { readonly queries: number; readonly inFlight: number } | undefined;
}

export interface Watch {
  readonly samples: readonly Sample[];
  stop(): Promise<void>;
}

const EVERY_MS = 1_000;

/** @param onSample told each, as it comes */
export function watch(
  rig: Rig,
  counter: SourceCounter,
  onSample: (sample: Sample) => void = () => {},
): Watch {
  const samples: Sample[] = [];
  let stopped = false;
  let wake = () => {};
  const loop = (async () => {
    for (let due = performance.now(); !stopped; due += EVERY_MS) {
      const sample = await sampleOf(rig, counter);
      samples.push(sample);
      onSample(sample);
      const waitMs = due + EVERY_MS - performance.now();
      if (waitMs < 0) due -= waitMs;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, Math.max(0, waitMs));
      });
    }
  })();
  // Told where it is waited for: by then the load is over, and what it measured is not lost on the way.
  loop.catch(() => {});
  return {
    samples,
    async stop() {
      stopped = true;
      wake();
      await loop;
    },
  };
}

async function sampleOf(rig: Rig, counter: SourceCounter): Promise<Sample> {
  const { services, relays, redis, postgres } = rig;
  const sumCpu = (all: readonly { readonly pid: number }[]) =>
    all.reduce((sum, { pid }) => sum + (cpuSecondsOf(pid) ?? 0), 0);
  const [metrics, source] = await Promise.all([
    Promise.all(services.map(metricsOf)),
    counter.count().catch(() => undefined),
  ]);
  const machine = cpuSecondsOfMachine();
  return {
    atMs: Date.now(),
    services: metrics,
    memoryBytes: services.map(({ pid }) => memoryBytesOf(pid)),
    descriptors: services.map(({ pid }) => descriptorsOf(pid)),
    cpuS: {
      ...{ services: sumCpu(services), relays: sumCpu(relays), redis: sumCpu(redis.nodes) },
      source: cpuSecondsOfFamily(postgres.pid),
      machine: machine.spent + machine.stolen,
    },
    stoodStillS: {
      stolen: machine.stolen,
      memory: stalledSecondsOfMachine('memory'),
      io: stalledSecondsOfMachine('io'),
    },
    source,
  };
}

/** A process that is starting or hung does not answer, and that is what is drawn then. */
const metricsOf = (service: Served) => service.metrics().catch(() => undefined);
