import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';

/** Lets grpcurl find its way without the contract's files. In the demo only. */
export function reflect(server: Server): void {
  // From lookup/edge/ in the sources, and from dist/lookup/edge/ when built, proto/ is two folders up.
  const folder = fileURLToPath(new URL('../../proto/', import.meta.url));
  if (!existsSync(folder)) return;
  const contract = loadSync('lookup/v1/lookup.proto', { includeDirs: [folder] });
  new ReflectionService(contract).addToServer(server);
}
