// An order in which each of `count` is met exactly once, computed and not shuffled: who is number i, and which number
// somebody is, cost a multiplication.

export interface Order {
  /** @param i from 0; from `count` on it begins again */
  at(i: number): number;
  /** The i of whom {@link at} meets. */
  placeOf(one: number): number;
}

/** @param count below 2^26: its square must be a whole number that a double holds */
export function orderOf(count: number, seed: number): Order {
  if (!(count >= 1 && count < 2 ** 26)) throw new RangeError(`an order of 1 to 2^26, not ${count}`);
  let stride = Math.max(1, Math.floor(count * 0.618) - (seed % 97));
  while (commonDivisor(stride, count) !== 1) stride++;
  const start = (seed * 7_919) % count;
  const back = inverse(stride, count);
  return {
    at: (i) => (start + (i % count) * stride) % count,
    placeOf: (one) => (((one - start + count) % count) * back) % count,
  };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** @returns x with a * x = 1, modulo n; a and n have no common divisor */
function inverse(a: number, n: number): number {
  let [r, rest, x, next] = [n, a % n, 0, 1];
  while (rest > 0) {
    const times = Math.floor(r / rest);
    [r, rest] = [rest, r - times * rest];
    [x, next] = [next, x - times * next];
  }
  return ((x % n) + n) % n;
}
