import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SHARES } from '../lib/shares.ts';
import type { Costs } from './costs.ts';
import { type Morning, planOf, RELAYS } from './plan.ts';
import {
  cpuOfOpening,
  type Load,
  predictBreakpoint,
  predictHeld,
  processesFor,
  warmLayers,
} from './predict.ts';

/** Round numbers, so that a sum can be done by hand. */
const COSTS: Costs = {
  measured: 'never',
  us: {
    ...{ bareReply: 8, httpMemory: 10, httpFirstSeen: 30, httpRedis: 24 },
    ...{ grpcUnary: 20, streamQuestion: 4, photo: 50, sourceRead: 100, redisRead: 5 },
  },
  bytes: { process: 100e6, record: 140, token: 700, redisRecord: 75 },
  times: { apart: 5 },
  assumed: [],
};
const load = (memory: number, redis: number, photo = 0): Load => ({
  shares: SHARES,
  photo,
  layers: { memory, redis },
});
const MORNING: Morning = {
  ...{ people: 10_000_000, seconds: 60, city: 10_000_000, load: load(1, 0, 0.002) },
  ...{ utilization: 0.6, memoryRecords: 1_000_000, redisReplicas: 1, redisBytes: 4e9 },
  ...{ sourceQueriesPerS: 500, sourceInFlight: 60, sourceConnections: 500 },
  ...{ keepAliveSeconds: 60, proxyConnections: 64 },
};

describe('an opening costs', () => {
  test('phones, tokens, kiosks and lines, when all are in memory', () => {
    // 1.3 phones at 10, 1.3 tokens at 20, less those remembered, 0.2 calls at 20 + 20, 0.3 questions at 4.
    expect(cpuOfOpening(COSTS, load(1, 0), Number.POSITIVE_INFINITY)).toBeCloseTo(
      13 + 26 + 8 + 1.2,
      9,
    );
  });

  test('less in one process, which remembers the token of whoever opens again', () => {
    expect(cpuOfOpening(COSTS, load(1, 0), 1)).toBeCloseTo(13 + 20 + 8 + 1.2, 9);
    expect(cpuOfOpening(COSTS, load(1, 0), 2)).toBeCloseTo(13 + 23 + 8 + 1.2, 9);
  });

  test('a way to Redis for each question that memory lacks, and the source after it', () => {
    expect(cpuOfOpening(COSTS, load(0.5, 0.5), 1)).toBeCloseTo(42.2 + 1.8 * 0.5 * 14, 9);
    expect(cpuOfOpening(COSTS, load(0.5, 0.4), 1)).toBeCloseTo(42.2 + 1.8 * (7 + 0.1 * 100), 9);
  });

  test('a part of a photo', () => {
    expect(cpuOfOpening(COSTS, load(1, 0, 0.5), 1)).toBeCloseTo(42.2 + 25, 9);
  });
});

describe('what is predicted', () => {
  test('is the CPU of processes or cores, whichever are fewer, at 1.8 questions an opening', () => {
    const one = (1e6 / 42.2) * 1.8;
    expect(predictHeld(COSTS, { processes: 1, cores: 8 }, load(1, 0))).toBeCloseTo(one, 6);
    const two = (1e6 / 45.2) * 1.8;
    expect(predictHeld(COSTS, { processes: 2, cores: 1 }, load(1, 0))).toBeCloseTo(two, 6);
    expect(
      predictHeld(COSTS, { processes: 2, cores: 2, utilization: 0.5 }, load(1, 0)),
    ).toBeCloseTo(two, 6);
  });

  test('is enough with so many processes, and not with one fewer', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 500_000, noNaN: true }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (openings, utilization) => {
          const processes = processesFor(COSTS, load(0.3, 0.6), openings, utilization);
          const held = (count: number) =>
            predictHeld(COSTS, { processes: count, cores: count, utilization }, load(0.3, 0.6));
          expect(held(processes)).toBeGreaterThanOrEqual(openings * 1.8 * (1 - 1e-9));
          if (processes > 1) expect(held(processes - 1)).toBeLessThan(openings * 1.8);
        },
      ),
    );
  });
});

describe('a fleet', () => {
  /** Each question costs as little as if many came in one turn. */
  const BUSY: Costs = { ...COSTS, times: { apart: 1 } };

  test('has processes for questions that come one by one, and says how few would do were all busy', () => {
    // 166,667 openings x 48.1 us x 5 are 40.1 cores; at 60 % of each, 66.8.
    expect(planOf(COSTS, MORNING)).toMatchObject({ processes: 67, processesBusy: 14 });
  });

  test('of ten million in a minute is the one that the sums give', () => {
    const plan = planOf(BUSY, MORNING);
    expect(Math.round(plan.rates.phones)).toBe(216_667);
    expect(Math.round(plan.rates.questions)).toBe(300_000);
    expect(Math.round(plan.rates.photos)).toBe(333);
    // 166,667 openings x 48.2 us are 8.03 cores; at 60 % of each, 13.4.
    expect(plan.processes).toBe(14);
    expect(plan.cores).toEqual({ services: 14, relays: 2, redis: 6 });
    expect(plan.redis).toEqual({ shards: 3, nodes: 6, bytesOfShard: 250e6 });
    // 200,000 tokens of phones, 20,000 of kiosks.
    expect(plan.bytes).toBe(100e6 + 140e6 + 700 * 220_000 + 64 * 1_024 * 1_024);
    expect(plan.settings).toEqual({
      // 500 / 1.1 / 14 - 5 are 27.5: nine tenths of them, and one.
      LOOKUP_SOURCE_QUERIES_PER_S: 24,
      LOOKUP_PHOTO_QUERIES_PER_S: 2,
      LOOKUP_SOURCE_IN_FLIGHT_MAX: 1,
      LOOKUP_POSTGRES_POOL_MAX: 8,
      LOOKUP_MEMORY_RECORDS_MAX: 1_000_000,
    });
    expect(plan.connections).toEqual({
      ...{ phones: 10_000_000, proxy: 14 * 64, gates: 250_000 },
      ...{ redis: 16 * 4, source: 14 * 11 + 8 },
    });
    expect(plan.warnings).toEqual([]);
  });

  test('of more people has never fewer processes, shards or connections', () => {
    const people = fc.integer({ min: 1, max: 60_000_000 });
    const of = (count: number) => {
      const layers = warmLayers(MORNING.memoryRecords, count);
      return planOf(BUSY, {
        ...{ ...MORNING, people: count, city: count },
        load: { ...MORNING.load, layers },
      });
    };
    fc.assert(
      fc.property(people, people, (a, b) => {
        const [few, many] = [of(Math.min(a, b)), of(Math.max(a, b))];
        expect(many.processes).toBeGreaterThanOrEqual(few.processes);
        expect(many.redis.shards).toBeGreaterThanOrEqual(few.redis.shards);
        expect(many.connections.redis).toBeGreaterThanOrEqual(few.connections.redis);
      }),
    );
  });

  test('with twice the time has about half the processes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_600 }), (seconds) => {
        const [once, twice] = [seconds, 2 * seconds].map(
          (time) => planOf(BUSY, { ...MORNING, seconds: time }).processes,
        ) as [number, number];
        expect(Math.abs(once - 2 * twice)).toBeLessThanOrEqual(2);
      }),
    );
  });

  test('never asks more of the source than the fleet may, and warns when there is too little', () => {
    const limit = fc.integer({ min: 1, max: 5_000 });
    const records = { people: fc.integer({ min: 1, max: 60_000_000 }), queries: limit };
    fc.assert(
      fc.property(
        fc.record({ ...records, inFlight: limit, connections: limit }),
        ({ people, queries, inFlight, connections }) => {
          const plan = planOf(BUSY, {
            ...{ ...MORNING, people, sourceQueriesPerS: queries, sourceInFlight: inFlight },
            sourceConnections: connections,
          });
          const { processes, settings, warnings } = plan;
          const each = (name: string) => settings[name] as number;
          const perS = each('LOOKUP_SOURCE_QUERIES_PER_S') + each('LOOKUP_PHOTO_QUERIES_PER_S');
          expect(perS * 1.1 * processes).toBeLessThanOrEqual(queries);
          if (each('LOOKUP_SOURCE_IN_FLIGHT_MAX') > 0)
            expect((each('LOOKUP_SOURCE_IN_FLIGHT_MAX') + 3) * processes).toBeLessThanOrEqual(
              inFlight,
            );
          if (each('LOOKUP_POSTGRES_POOL_MAX') > 0)
            expect(plan.connections.source).toBeLessThanOrEqual(connections);
          for (const [name, value] of Object.entries(settings))
            expect(warnings.some((line) => line.startsWith(name))).toBe(value < 1);
        },
      ),
    );
  });

  test('is told the least that the source must bear, and with it no warning is left', () => {
    const tight = { ...MORNING, sourceQueriesPerS: 5, sourceInFlight: 5, sourceConnections: 9 };
    const { warnings, processes } = planOf(BUSY, tight);
    const least = warnings.map((line) => Number(/ of (\d+) or more/.exec(line)?.[1]));
    // A photo a second is a tenth of what is left of 16.5, by a tenth more and five others.
    const queries = Math.ceil(processes * 16.5);
    expect(least).toEqual([queries, queries, processes * 4, processes * 4 + RELAYS * 4]);
    const [, sourceQueriesPerS, sourceInFlight, sourceConnections] = least as [
      ...[number, number, number, number],
    ];
    const enough = planOf(BUSY, {
      ...tight,
      sourceQueriesPerS,
      sourceInFlight,
      sourceConnections,
    });
    expect(enough.warnings).toEqual([]);
  });

  test('warns of more readers than the source may be asked for', () => {
    const cold = planOf(BUSY, { ...MORNING, load: load(0.5, 0.49) });
    expect(cold.warnings).toContainEqual(expect.stringContaining('3000 people a second are read'));
  });
});

test('who is in memory is as many as it holds, of all; and Redis has nearly all others', () => {
  expect(warmLayers(1_000_000, 500_000)).toEqual({ memory: 1, redis: 0 });
  const { memory, redis } = warmLayers(1_000_000, 10_000_000);
  expect(memory).toBeCloseTo(0.1, 9);
  expect(redis).toBeCloseTo(0.9 * 0.999, 9);
});

test('a breakpoint ends before its CPU does, and its questions come one by one', () => {
  const fleet = { processes: 2, cores: 1 };
  const busy = predictHeld(COSTS, fleet, load(1, 0));
  expect(predictBreakpoint(COSTS, fleet, load(1, 0))).toBeCloseTo((busy * 0.7) / 5, 6);
});
