// Shapes of a load: how many people arrive in each second, whether or not they are answered (an open model). A shape
// also tells how many had arrived by a time, so that whoever comes later can know who came before them. Imports
// nothing.

/** Straight to the rate `to` (arrivals/s) within so many seconds; 0 seconds: at once. */
export interface Stage {
  readonly seconds: number;
  readonly to: number;
}

export interface Shape {
  /** Arrivals a second at the beginning. */
  readonly from: number;
  readonly stages: readonly Stage[];
}

/** After each shape: time for those who were refused to come back, and for what is under way to end. */
const TAIL_SECONDS = 18;
const TAIL_SHARE = 0.05;

const withTail = (shape: Shape, rate: number): Shape => {
  const to = rate * TAIL_SHARE;
  return { ...shape, stages: [...shape.stages, { seconds: 1, to }, { seconds: TAIL_SECONDS, to }] };
};

/** The same rate all the time. */
export const steady = (rate: number, seconds: number): Shape =>
  withTail({ from: rate, stages: [{ seconds, to: rate }] }, rate);

/** Who goes to work does so at nine, however many they are. */
const [UP_SECONDS_MOST, DOWN_SECONDS_MOST] = [120, 240];

/** Nine o'clock: from a tenth up to the peak in a quarter of its time, the peak, and half as steeply down. */
export function morning(rate: number, seconds: number): Shape {
  const stages = [
    { seconds: upSeconds(seconds), to: rate },
    { seconds, to: rate },
    { seconds: Math.min(seconds / 2, DOWN_SECONDS_MOST), to: rate * 0.1 },
  ];
  return withTail({ from: rate * 0.1, stages }, rate);
}

/** Of a morning, before its peak. */
export const upSeconds = (seconds: number): number => Math.min(seconds / 4, UP_SECONDS_MOST);

/** Six to nine: a trickle for half the peak's time, and then the morning. */
export function fromSix(rate: number, seconds: number): Shape {
  const { from, stages } = morning(rate, seconds);
  return { from: rate * 0.02, stages: [{ seconds: seconds / 2, to: from }, ...stages] };
}

/** Before the stairs: connections are made, and what has just started is compiled. */
export const SETTLE_SECONDS = 10;

/** Up to the rate in so many equal steps, each as long as the others, from the first one on. */
export function stairs(rate: number, seconds: number, steps: number): Shape {
  const stages = Array.from({ length: steps }, (_, i) => {
    const to = (rate * (i + 1)) / steps;
    return [
      { seconds: 0, to },
      { seconds: seconds / steps, to },
    ];
  });
  const settling = { seconds: SETTLE_SECONDS, to: rate / steps };
  return withTail({ from: 0, stages: [settling, ...stages.flat()] }, rate / steps);
}

/** The same shape, of so many times the people. */
export const times = ({ from, stages }: Shape, factor: number): Shape => ({
  from: from * factor,
  stages: stages.map(({ seconds, to }) => ({ seconds, to: to * factor })),
});

export const peakOf = ({ from, stages }: Shape): number =>
  Math.max(from, ...stages.map(({ to }) => to));

export const secondsOf = ({ stages }: Shape): number =>
  stages.reduce((sum, { seconds }) => sum + seconds, 0);

/**
 * Several times a question, by an engine that interprets: no iterator and no array is made here.
 * @returns who had arrived after so many seconds, and how many a second arrive then
 */
export function arrivedBy(shape: Shape, seconds: number): { count: number; rate: number } {
  const { stages } = shape;
  let count = 0;
  let rate = shape.from;
  let rest = Math.max(seconds, 0);
  for (let i = 0; i < stages.length; i++) {
    const stage = stages[i] as Stage;
    if (rest < stage.seconds) {
      const now = rate + ((stage.to - rate) * rest) / stage.seconds;
      return { count: count + ((rate + now) / 2) * rest, rate: now };
    }
    count += ((rate + stage.to) / 2) * stage.seconds;
    rest -= stage.seconds;
    rate = stage.to;
  }
  return { count, rate };
}

export const arrivalsOf = (shape: Shape): number =>
  Math.floor(arrivedBy(shape, secondsOf(shape)).count);
