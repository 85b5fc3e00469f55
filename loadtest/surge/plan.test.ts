import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrivalsOf } from '../lib/shapes.ts';
import { fleetEnv, SOURCE_IN_FLIGHT_MAX, SOURCE_QUERIES_PER_S_MAX } from './fleet.ts';
import { PLANS, planOf, SCALES, type ScenarioName } from './plan.ts';

const scenarios = Object.keys(PLANS) as ScenarioName[];

describe.each(scenarios)('%s', (scenario) => {
  test.each(SCALES)('at scale %s memory holds a tenth of those who are asked, at most', (scale) => {
    const plan = planOf({ scenario, scale });
    expect(plan.services).toBeGreaterThanOrEqual(2);
    if (scenario !== 'overload')
      expect(plan.memoryRecordsMax * plan.services).toBeLessThanOrEqual(plan.peopleAsked / 10);
    expect(plan.peopleAsked).toBeGreaterThan(0);
  });
});

test('everybody is asked once, in a surge of a day and a full one', () => {
  for (const scale of ['day', 'full'] as const) {
    const plan = planOf({ scenario: 'morning-surge', scale });
    expect([plan.allPeople, plan.peopleAsked]).toEqual([true, plan.people]);
    expect(arrivalsOf(plan.shape)).toBeGreaterThan(plan.people);
  }
});

test('a surge of ten million takes less than an hour where 4,000 a second can be asked', () => {
  const plan = planOf({ scenario: 'morning-surge', scale: 'full', rate: 4_000 });
  expect(plan.secondsOfLoad).toBeLessThan(3_600);
});

test('words of the command go before the scale', () => {
  const words = { people: 5_000, rate: 10, seconds: 20, services: 3 };
  expect(planOf({ scenario: 'morning-surge', scale: 'day', ...words })).toMatchObject({
    ...words,
    allPeople: false,
  });
});

test('stairs are as high as the share of the CPU lets expect, unless told', () => {
  const of = (words: object) => planOf({ scenario: 'breakpoint', scale: 'ci', ...words }).rate;
  // 400,000 us a second, 250 us a question, 1.8 questions a first opening; half as much again.
  expect(of({ serviceCores: 0.4 })).toBe(1_333);
  expect(of({ serviceCores: 0.4, rate: 50 })).toBe(50);
  expect(of({})).toBe(1_500);
  expect(planOf({ scenario: 'overload', scale: 'ci', serviceCores: 0.4 }).rate).toBe(100);
});

test('what all services may ask together is never more than the source was promised', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), (services) => {
      const env = fleetEnv(services, 1_000);
      const perS = Number(env.LOOKUP_SOURCE_QUERIES_PER_S) + Number(env.LOOKUP_PHOTO_QUERIES_PER_S);
      // A bucket gives a tenth of a second's worth more in its first second.
      expect(perS * 1.1 * services).toBeLessThanOrEqual(SOURCE_QUERIES_PER_S_MAX);
      const inFlight = Number(env.LOOKUP_SOURCE_IN_FLIGHT_MAX) + 3;
      expect(inFlight * services).toBeLessThanOrEqual(SOURCE_IN_FLIGHT_MAX);
    }),
  );
});
