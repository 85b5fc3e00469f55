/** The same press of Ctrl-C may come twice, by way of npm: it is not told apart within this. */
const SAME_PRESS_MS = 500;

/** @returns to be called each time that somebody wants the end: `first` at once, `again` whenever they insist */
export function pressed(first: () => void, again: () => void): () => void {
  let toldAtMs: number | undefined;
  return () => {
    const nowMs = performance.now();
    if (toldAtMs !== undefined && nowMs - toldAtMs < SAME_PRESS_MS) return;
    const isFirst = toldAtMs === undefined;
    toldAtMs = nowMs;
    if (isFirst) first();
    else again();
  };
}
