/**
 * The last one asked, or one who was asked before and is late: who has an answer first. With none, what the last one
 * asked said, or its failure.
 * @param isAnswer whether it is worth not to wait for the others
 */
export function firstAnswer<T>(
  last: Promise<T>,
  late: readonly Promise<T | undefined>[],
  isAnswer: (said: T) => boolean,
): Promise<T> {
  if (late.length === 0) return last;
  return new Promise((resolve) => {
    const hear = (said: T | undefined) => {
      if (said !== undefined && isAnswer(said)) resolve(said);
    };
    const all = [last, ...late].map((one) => one.then(hear, () => {}));
    void Promise.all(all).then(() => resolve(last));
  });
}
