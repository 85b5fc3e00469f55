// What a running process says of itself on its ops port.

const TIMEOUT_MS = 2_000;

export interface ProcessState {
  /** Why it is not ready; undefined when it is. */
  readonly notReady: string | undefined;
  readonly metrics: Metrics;
}

/** Values of Prometheus' text, by name and labels. */
export class Metrics {
  readonly #values = new Map<string, number>();

  /** @param text lines "name{label="value",...} number"; others are passed over */
  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, name, labels, value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      if (name) this.#values.set(keyOf(name, labels?.split(',') ?? []), Number(value));
    }
  }

  /** @returns undefined when it is not there: another version has other metrics */
  get(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const written = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return this.#values.get(keyOf(name, written));
  }

  /** Over both edges. */
  sum(name: string, label: string, value: string): number {
    return ['http', 'grpc'].reduce(
      (sum, edge) => sum + (this.get(name, { edge, [label]: value }) ?? 0),
      0,
    );
  }
}

const keyOf = (name: string, labels: readonly string[]) => [name, ...[...labels].sort()].join(',');

/**
 * @param origin as "http://127.0.0.1:9100"
 * @throws when nobody answers there, or somebody else does
 */
export async function readProcess(origin: string): Promise<ProcessState> {
  const [ready, metrics] = await Promise.all([ask(origin, '/readyz'), ask(origin, '/metrics')]);
  return {
    notReady: ready.status === 200 ? undefined : ready.text.trim(),
    metrics: metricsOf(metrics),
  };
}

/** @throws as {@link readProcess} */
export async function readMetrics(origin: string, timeoutMs: number): Promise<Metrics> {
  return metricsOf(await ask(origin, '/metrics', timeoutMs));
}

function metricsOf({ status, text }: { status: number; text: string }): Metrics {
  if (status !== 200 || !text.includes('lookup_'))
    throw new Error(`what answers there is no lookup process (${status} to /metrics)`);
  return new Metrics(text);
}

async function ask(
  origin: string,
  path: string,
  timeoutMs = TIMEOUT_MS,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(origin + path, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const { name, message, cause } = error as Error & {
      cause?: { code?: string; message?: string };
    };
    const why =
      name === 'TimeoutError'
        ? `none within ${timeoutMs} ms`
        : (cause?.code ?? cause?.message ?? message);
    throw new Error(`no answer (${why})`, { cause: error });
  }
}
