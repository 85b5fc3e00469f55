/**
 * @returns as the call does. Rejects after `timeoutMs`, whatever the client does: but not before what has come by then
 * is read. When this process was busy for so long, its timers come first, and the answer lies in the socket.
 */
export function within<T>(call: Promise<T>, timeoutMs: number, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${name}: no answer in ${timeoutMs} ms`));
    const timer = setTimeout(setImmediate, timeoutMs, late);
    call.then(
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
