// uWebSockets.js is not on the npm registry under its own name. Two republished builds are depended on, by alias; this
// chooses the current one, then the one for Node 20 and older glibc, each by the path of its own binary: the older
// package falls back without a word to a JavaScript imitation when its binary cannot be loaded.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** What this service uses of uWebSockets.js. */
export interface UwsRequest {
  getHeader(name: string): string;
  getParameter(index: number): string;
  getQuery(name: string): string | undefined;
  getMethod(): string;
  forEach(each: (name: string, value: string) => void): void;
}

export interface UwsResponse {
  writeStatus(status: string | Buffer): UwsResponse;
  writeHeader(name: string | Buffer, value: string | Buffer): UwsResponse;
  end(body?: string | Uint8Array, closeConnection?: boolean): UwsResponse;
  endWithoutBody(length?: number, closeConnection?: boolean): UwsResponse;
  tryEnd(body: Uint8Array, total: number): [boolean, boolean];
  getWriteOffset(): number;
  onWritable(handler: (offset: number) => boolean): UwsResponse;
  onAborted(handler: () => void): UwsResponse;
  cork(callback: () => void): UwsResponse;
  close(): UwsResponse;
}

export type UwsHandler = (res: UwsResponse, req: UwsRequest) => void;

export interface UwsApp {
  get(pattern: string, handler: UwsHandler): UwsApp;
  any(pattern: string, handler: UwsHandler): UwsApp;
  listen(host: string, port: number, options: number, callback: (socket: unknown) => void): UwsApp;
  close(): UwsApp;
}

export interface Uws {
  App(): UwsApp;
  us_listen_socket_close(socket: unknown): void;
  us_socket_local_port(socket: unknown): number;
  /** LIBUS_LISTEN_EXCLUSIVE_PORT: else a second process shares the port without an error, and half of the requests. */
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
}

export interface LoadedUws {
  readonly uws: Uws;
  /** For the log: which build it is. */
  readonly build: string;
  /** Of the binary that was loaded. */
  readonly sha256: string;
}

const BUILDS = ['uws-current', 'uws-node20'] as const;
export type UwsBuild = (typeof BUILDS)[number];

/**
 * The binary of a build for a version of Node's binary interface ("115" is Node 20), whether it is there or not.
 * @throws when the package is not installed
 */
export function binaryPath(build: UwsBuild, abi: string): string {
  const file = `uws_${process.platform}_${process.arch}_${abi}.node`;
  // Its package exports the main file alone: the binary, which lies beside it, cannot be asked for by name.
  if (build === 'uws-current') return join(dirname(require.resolve('uws-current')), file);
  return require.resolve(`uws-node20/binaries/${file}`);
}
/** @throws when neither build has a binary that this machine can load: there is no fallback */
export function loadUws(): LoadedUws {
  const problems: string[] = [];
  for (const build of BUILDS) {
    try {
      const path = binaryPath(build, process.versions.modules);
      const uws = require(path) as Uws;
      return { uws, build, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
    } catch (error) {
      problems.push(`${build}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(
    `no uWebSockets.js binary can be loaded here (Node 20, 22, 24 on Linux with glibc):\n${problems.join('\n')}`,
  );
}
