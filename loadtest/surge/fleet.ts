// What all services together may ask of the source, and what each of them is told of it.

/** Fleet-wide, whatever the demand; counted at the source. */
export const SOURCE_QUERIES_PER_S_MAX = 500;
export const SOURCE_IN_FLIGHT_MAX = 16;

/** A process may ask for a tenth of a second's worth more in its first second (guards/budget.ts). */
const BURST = 1.1;
/** Photos have a budget of their own, and some questions are about the time. */
const PHOTO_SHARE = 0.1;
const OTHER_PER_S = 5;
/** Connections besides those for lookups: two for photos, one for the feed. */
const OTHER_POOLS = 3;

/** LOOKUP_… of each. @param memoryRecordsMax people that each holds in memory */
export function fleetEnv(services: number, memoryRecordsMax: number): Record<string, string> {
  const perS = SOURCE_QUERIES_PER_S_MAX / BURST / services - OTHER_PER_S;
  const whole = (value: number) => String(Math.max(1, Math.floor(value)));
  const inFlight = whole(SOURCE_IN_FLIGHT_MAX / services - OTHER_POOLS);
  return {
    LOOKUP_MEMORY_RECORDS_MAX: String(memoryRecordsMax),
    LOOKUP_SOURCE_QUERIES_PER_S: whole(perS * (1 - PHOTO_SHARE)),
    LOOKUP_PHOTO_QUERIES_PER_S: whole(perS * PHOTO_SHARE),
    LOOKUP_SOURCE_IN_FLIGHT_MAX: inFlight,
    LOOKUP_POSTGRES_POOL_MAX: inFlight,
  };
}
