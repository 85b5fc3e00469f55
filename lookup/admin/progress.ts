import type { Output } from './output.ts';

/** Shows how far `work` is, until it ends. @param total 0: not known */
export async function withProgress<T>(
  output: Output,
  what: string,
  total: number,
  work: (onDone: (done: number) => void) => Promise<T>,
): Promise<T> {
  const progress = output.progress(what, total);
  try {
    return await work((done) => progress.update(done));
  } finally {
    progress.stop();
  }
}
