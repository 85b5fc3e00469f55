// How far the y axis reaches.

const { uPlot } = window;

/** From zero, so that heights compare; up to the limit too, unless that would press the lines flat. */
export const linearRange = (limit) => (_u, least, most) => {
  const low = Math.min(0, least ?? 0);
  const data = Math.max(most ?? 0, 0);
  const high = limit && limit.value <= 5 * data ? Math.max(data, limit.value) : data;
  return high === low ? [0, 1] : [low * 1.1, low + (high - low) * 1.12];
};

export const logarithmicRange = (limit) => (_u, least, most) => {
  const known = least > 0 && Number.isFinite(most);
  const high = Math.max(known ? most : 1, limit?.value ?? 0);
  return uPlot.rangeLog(Math.min(known ? least : 1, high / 10), high * 1.2, 10, false);
};
