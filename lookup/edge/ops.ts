import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OpsParts {
  /** Why it is not ready; undefined when it is. */
  notReady(): string | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export interface OpsEdge {
  readonly port: number;
  close(): Promise<void>;
}

/** /livez, /readyz and /metrics, on a port of their own: never shed with the traffic. Answers for no subject. */
export async function startOps(
  parts: OpsParts,
  options: { opsHost: string; opsPort: number },
): Promise<OpsEdge> {
  const server = createServer(async (request, response) => {
    const send = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    try {
      const path = request.url?.split('?')[0];
      if (request.method !== 'GET') send(405, 'only GET\n');
      else if (path === '/livez') send(200, 'live\n');
      else if (path === '/metrics')
        send(200, await parts.metrics.text(), parts.metrics.contentType);
      else if (path === '/readyz') {
        const why = parts.notReady();
        send(why === undefined ? 200 : 503, `${why ?? 'ready'}\n`);
      } else send(404, 'see /livez, /readyz, /metrics\n');
    } catch {
      send(500, 'failed\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Error(
          `${options.opsHost}:${options.opsPort} cannot be listened on (LOOKUP_OPS_PORT): ${error.message}`,
        ),
      ),
    );
    server.listen(options.opsPort, options.opsHost, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
