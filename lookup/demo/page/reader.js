// Asks again and again: once a second as a habit, every 30 ms while a change is awaited, not at all while nobody looks.

const HABIT_MS = 1000;
const AWAITING_MS = 30;

export class Reader {
  #ask;
  #hurried = false;
  #wake = () => {};
  #turn = 0;

  /** @param ask called with no overlap; returns what it read as {color, photoId}, or undefined */
  constructor(ask) {
    this.#ask = ask;
    document.addEventListener('visibilitychange', () => this.#wake());
    this.#run();
  }

  /** Called with each answer and the moment it was there. */
  onAnswer = () => {};

  /** Asks at once, and from now on this fast. */
  hurry(hurried) {
    this.#hurried = hurried;
    if (hurried) this.#wake();
  }

  /** Somebody else's: what is under way is no longer wanted. */
  restart() {
    this.#turn++;
    this.#wake();
  }

  async #run() {
    for (;;) {
      const turn = this.#turn;
      if (!document.hidden) {
        const answer = await this.#ask(() => turn === this.#turn).catch(() => undefined);
        if (answer && turn === this.#turn) this.onAnswer(answer, performance.now());
      }
      if (turn === this.#turn) await this.#rest();
    }
  }

  #rest() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#hurried ? AWAITING_MS : HABIT_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
