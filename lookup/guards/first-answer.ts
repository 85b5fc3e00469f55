/** Somebody who was asked before, and is late. @param isOver whether another one has answered since */
export type Late<T> = (isOver: () => boolean) => Promise<T | undefined>;

/**
 * The last one asked, or one who is late: who has an answer first. With none, what the last one asked said, or its
 * failure.
 * @param isAnswer whether it is worth not to wait for the others
 */
export function firstAnswer<T>(
  last: Promise<T>,
  late: readonly Late<T>[],
  isAnswer: (said: T) => boolean,
): Promise<T> {
  if (late.length === 0) return last;
  return new Promise((resolve) => {
    let over = false;
    const hear = (said: T | undefined) => {
      if (said === undefined || !isAnswer(said)) return;
      over = true;
      resolve(said);
    };
    const all = [last, ...late.map((one) => one(() => over))];
    void Promise.all(all.map((one) => one.then(hear, () => {}))).then(() => resolve(last));
  });
}
