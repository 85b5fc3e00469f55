/** It took longer than it may. */
class TooLateError extends Error {
  override readonly name = 'TooLateError';
}

/**
 * Does work with a signal that aborts when the outer one does, or when it takes too long. AbortSignal.any over an
 * AbortSignal.timeout would not do: nothing holds that timeout, and once it was collected as garbage it never comes
 * (Node's issue 57736).
 */
export async function limited<T>(
  withinMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const end = () => ending.abort(outer.reason);
  const timer = setTimeout(
    () => ending.abort(new TooLateError(`not within ${withinMs} ms`)),
    withinMs,
  );
  outer.addEventListener('abort', end, { once: true });
  if (outer.aborted) end();
  try {
    return await work(ending.signal);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', end);
  }
}
