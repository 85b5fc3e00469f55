// Links between machines. What is sent arrives after a while, now and then after a very long while, and in any order:
// a connection that was given up may still carry a request that comes late.

import type { SimTime } from './time.ts';

/** slow: everything takes long. cut: refused at once. silent: nothing comes back, and nothing says so. */
export type LinkState = 'open' | 'slow' | 'cut' | 'silent';

export interface Lateness {
  /** How many messages in one come late. */
  readonly likely: number;
  readonly mostMs: number;
}

const DELAY_MS = [0.1, 2] as const;
const SLOW_MS = [5, 1_500] as const;

export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

export class Link {
  state: LinkState = 'open';
  /** How long each message is under way; undefined: by chance. */
  takesMs: number | undefined;
  readonly #time: SimTime;
  readonly #lateness: Lateness;

  constructor(time: SimTime, lateness: Lateness) {
    this.#time = time;
    this.#lateness = lateness;
  }

  /** @param run there, when the request arrives; its promise or value comes back as the reply */
  call<T>(run: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.state === 'silent') return;
      if (this.state === 'cut') {
        this.#time.after(0.1, () => reject(new ConnectionLostError('the connection is lost')));
        return;
      }
      this.#time.after(this.#delayMs(), () => {
        const reply = (deliver: () => void) => {
          if (this.state === 'silent') return;
          this.#time.after(this.#delayMs(), () => {
            if (this.state === 'cut') reject(new ConnectionLostError('the connection was lost'));
            else if (this.state !== 'silent') deliver();
          });
        };
        void start(run).then(
          (value) => reply(() => resolve(value)),
          (error) => reply(() => reject(error)),
        );
      });
    });
  }

  #delayMs(): number {
    if (this.takesMs !== undefined) return this.takesMs;
    const { likely, mostMs } = this.#lateness;
    if (this.#time.chance(likely)) return this.#time.random() ** 2 * mostMs;
    const [least, most] = this.state === 'slow' ? SLOW_MS : DELAY_MS;
    return this.#time.between(least, most);
  }
}

async function start<T>(run: () => T | Promise<T>): Promise<T> {
  return run();
}
