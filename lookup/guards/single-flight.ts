/**
 * One load per key at a time, shared by all who wait. A caller may leave at any time; the flight goes on, and only its
 * owner ends it, so a caller that leaves or throws never lets a second one start beside it.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** Flights under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * Joins the flight for this key, or starts it.
   * @param notBefore a flight that began earlier (see `Flight.began`) is not joined: another is started in its place
   */
  do(key: string, now: number, work: () => Promise<T>, notBefore = -Infinity): Promise<T> {
    const under = this.#flights.get(key);
    if (under && under.began >= notBefore) return under.promise;
    const promise = start(work);
    const flight: Flight<T> = { began: now, promise };
    this.#flights.set(key, flight);
    const end = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    promise.then(end, end);
    return promise;
  }
}

interface Flight<T> {
  readonly began: number;
  readonly promise: Promise<T>;
}

/** Also a synchronous throw becomes the flight's failure: nobody is left waiting. */
function start<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
