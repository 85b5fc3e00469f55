// What each process may ask of the source, of what the whole fleet may: so that all together keep to it, whatever the
// demand. Imports nothing.

/** In tenths: a process may ask for a tenth of a second's worth more in its first second (guards/budget.ts). */
const BURST_TENTHS = 11;
/** Photos have a budget of their own, and some questions are about the time. */
const PHOTO_SHARE = 0.1;
const OTHER_PER_S = 5;
/** Connections besides those for lookups: two for photos, one for the feed. */
export const BESIDE = 3;

export interface SourceShare {
  readonly queriesPerS: number;
  readonly photoQueriesPerS: number;
  readonly inFlight: number;
}

/** Exact: whoever tells it to a process rounds it down, and 1 is the least that a process takes. */
export function sourceShare(
  fleet: { readonly queriesPerS: number; readonly inFlight: number },
  processes: number,
): SourceShare {
  const perS = (fleet.queriesPerS * 10) / (BURST_TENTHS * processes) - OTHER_PER_S;
  return {
    queriesPerS: perS * (1 - PHOTO_SHARE),
    photoQueriesPerS: perS * PHOTO_SHARE,
    inFlight: fleet.inFlight / processes - BESIDE,
  };
}

/** Of which each process gets 1 of everything. */
export const leastOfFleet = (processes: number) => ({
  queriesPerS: Math.ceil((processes * BURST_TENTHS * (1 / PHOTO_SHARE + OTHER_PER_S)) / 10),
  inFlight: processes * (1 + BESIDE),
});
