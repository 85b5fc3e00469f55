// How often a person asks, however many tokens they have: a bucket for each that leaks. Of a fixed size: of two whose
// ids lead to the same place the later one begins anew, so nobody is refused for another. Layout of a place, 32 bytes:
//
//   0  the person's id                    4 x int32
//   16 questions that count still         float64
//   24 when they were counted, monotonic  float64

export interface RateOptions {
  readonly subjectPerS: number;
  readonly subjectBurst: number;
}

/** 4 MB. Only who asks without end must be found again. */
const PLACES = 2 ** 17;
const STRIDE = 32;
const WORDS = STRIDE / 4;
const NUMBERS = STRIDE / 8;
const SPENT = 2;
const COUNTED = 3;

export class SubjectRates {
  readonly #options: RateOptions;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(options: RateOptions) {
    this.#options = options;
    const places = new ArrayBuffer(PLACES * STRIDE);
    this.#words = new Int32Array(places);
    this.#numbers = new Float64Array(places);
  }

  /**
   * Counts a question, unless it is one too many.
   * @param from where the 16 bytes of the person's id begin in it, at `at`
   */
  allow(from: Buffer, at: number, nowMonoMs: number): boolean {
    const [a, b] = [from.readInt32LE(at), from.readInt32LE(at + 4)];
    const [c, d] = [from.readInt32LE(at + 8), from.readInt32LE(at + 12)];
    const place = mixed(a, b, c, d) & (PLACES - 1);
    const word = place * WORDS;
    const words = this.#words;
    const isTheirs =
      words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d;
    const number = place * NUMBERS;
    let spent = 0;
    if (isTheirs) {
      const passedMs = nowMonoMs - (this.#numbers[number + COUNTED] as number);
      const leaked = (passedMs * this.#options.subjectPerS) / 1_000;
      spent = Math.max(0, (this.#numbers[number + SPENT] as number) - leaked);
    } else {
      words[word] = a;
      words[word + 1] = b;
      words[word + 2] = c;
      words[word + 3] = d;
    }
    const isAllowed = spent + 1 <= this.#options.subjectBurst;
    this.#numbers[number + SPENT] = isAllowed ? spent + 1 : spent;
    this.#numbers[number + COUNTED] = nowMonoMs;
    return isAllowed;
  }
}

/** Ids that count up, or begin with a time, lead to places apart. */
function mixed(a: number, b: number, c: number, d: number): number {
  const hash = step(step(step(step(0, a), b), c), d);
  return hash ^ (hash >>> 16);
}

function step(hash: number, word: number): number {
  const next = Math.imul(hash ^ word ^ (word >>> 15), 0x85eb_ca6b);
  return Math.imul(next ^ (next >>> 13), 0xc2b2_ae35);
}
