/**
 * Waits for a promise, but no longer than this: what it does then is its own business. When this process was busy for
 * so long, its timers come first, and the answer lies in a socket: that is read before anybody is late.
 * @returns `late` when it takes longer; rejects as the promise does
 */
export function settledWithin<T, L>(promise: Promise<T>, ms: number, late: L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(setImmediate, ms, () => resolve(late));
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/**
 * Does work with a signal that aborts when it takes too long, as {@link settledWithin} tells it, or when the outer one
 * does. AbortSignal.timeout reads no socket before, and AbortSignal.any holds it so loosely that once it was collected
 * as garbage it never comes (Node's issue 57736).
 */
export async function abortedAfter<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const ending = new AbortController();
  const late = () => ending.abort(new DOMException(`not within ${ms} ms`, 'TimeoutError'));
  const end = () => ending.abort(outer?.reason);
  let due: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    due = setImmediate(late);
  }, ms);
  outer?.addEventListener('abort', end, { once: true });
  if (outer?.aborted) end();
  try {
    return await work(ending.signal);
  } finally {
    clearTimeout(timer);
    clearImmediate(due);
    outer?.removeEventListener('abort', end);
  }
}

const LATE = Symbol('late');

/** @returns as the call does; rejects after `timeoutMs`, whatever the client does, as {@link settledWithin} tells */
export async function within<T>(call: Promise<T>, timeoutMs: number, name: string): Promise<T> {
  const settled = await settledWithin<T, typeof LATE>(call, timeoutMs, LATE);
  if (settled === LATE) throw new Error(`${name}: no answer in ${timeoutMs} ms`);
  return settled;
}
