/**
 * Waits for the end of something, and ends it when all is to end.
 * @param kill called once at most
 */
export async function endedOrKilled<T>(
  ended: Promise<T>,
  kill: () => void,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.addEventListener('abort', kill, { once: true });
  if (signal?.aborted) kill();
  try {
    return await ended;
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}
