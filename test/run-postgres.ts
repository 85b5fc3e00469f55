// Started once for the whole run of the tests, and ended with it: one PostgreSQL, with a database for each who asks.

import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { endAllKept, heldFolder } from './keeper.ts';
import {
  copyCluster,
  makeTemplate,
  postgresOwner,
  startOnFreePort,
  type Template,
  urlOf,
} from './postgres-server.ts';

export interface PostgresServer extends Template {
  readonly host: string;
  readonly port: number;
  /** Superuser on database "postgres". */
  readonly adminUrl: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: PostgresServer;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = heldFolder(postgresOwner());
  try {
    const { templateDir, password } = await makeTemplate(dir);
    const dataDir = join(dir, 'data');
    copyCluster(templateDir, dataDir);
    const { port } = await startOnFreePort({ dataDir, password });
    const adminUrl = urlOf(port, password);
    project.provide('postgres', { host: '127.0.0.1', port, adminUrl, templateDir, password });
  } catch (error) {
    await endAllKept();
    throw error;
  }
  return endAllKept;
}
