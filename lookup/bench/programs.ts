// The servers that a run starts for itself, as they lie on this machine.

import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Programs {
  /** Folder of `initdb`, `postgres` and `pg_isready`. */
  readonly postgresBin: string;
  /** undefined: this run needs none. */
  readonly redis?: { readonly server: string; readonly cli: string };
}

const onPath = () => (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '');

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Debian keeps the server's programs off the PATH, one folder a major version.
 * @returns undefined when it is not here
 */
export function findPostgres(): string | undefined {
  const versions = (() => {
    try {
      return readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    } catch {
      return [];
    }
  })();
  const debian = versions.map((version) => join('/usr/lib/postgresql', version, 'bin'));
  return [...debian, ...onPath()].find((dir) =>
    ['initdb', 'postgres', 'pg_isready'].every((name) => isProgram(join(dir, name))),
  );
}

/** @returns undefined when it is not here */
export function findRedis(): Programs['redis'] {
  for (const dir of onPath()) {
    for (const name of ['redis', 'valkey']) {
      const [server, cli] = [join(dir, `${name}-server`), join(dir, `${name}-cli`)];
      if (isProgram(server) && isProgram(cli)) return { server, cli };
    }
  }
  return undefined;
}

/** PostgreSQL refuses to run as root: then it is Debian's own user for it, else whoever is nobody here. */
export function postgresOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string, user: string) =>
    Number(
      execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  for (const user of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', user), gid: id('-g', user) };
    } catch {
      // No such user; the next.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody"');
}
