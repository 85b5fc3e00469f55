// What all services together may ask of the source, and what each of them is told of it.

import { sourceShare } from '../capacity/source-share.ts';

/** Fleet-wide, whatever the demand; counted at the source. */
export const SOURCE_QUERIES_PER_S_MAX = 500;
export const SOURCE_IN_FLIGHT_MAX = 16;

/** LOOKUP_… of each. @param memoryRecordsMax people that each holds in memory */
export function fleetEnv(services: number, memoryRecordsMax: number): Record<string, string> {
  const share = sourceShare(
    { queriesPerS: SOURCE_QUERIES_PER_S_MAX, inFlight: SOURCE_IN_FLIGHT_MAX },
    services,
  );
  const whole = (value: number) => String(Math.max(1, Math.floor(value)));
  return {
    LOOKUP_MEMORY_RECORDS_MAX: String(memoryRecordsMax),
    LOOKUP_SOURCE_QUERIES_PER_S: whole(share.queriesPerS),
    LOOKUP_PHOTO_QUERIES_PER_S: whole(share.photoQueriesPerS),
    LOOKUP_SOURCE_IN_FLIGHT_MAX: whole(share.inFlight),
    LOOKUP_POSTGRES_POOL_MAX: whole(share.inFlight),
  };
}
