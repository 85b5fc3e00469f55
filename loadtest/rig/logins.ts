// Logins of the rig's processes, with the rights that each role needs and no more, as in production: so what the
// services ask of the source is counted there, by their login, and not by themselves.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Role } from './served.ts';

/** In PostgreSQL's own tables. */
export const LOGINS: Readonly<Record<Role, string>> = {
  lookup: 'rig_service',
  relay: 'rig_relay',
};
/** Whose members they are: made by `lookup migrate --roles`. */
const MEMBER_OF: Readonly<Record<Role, string>> = {
  lookup: 'lookup_reader',
  relay: 'lookup_relay',
};

/** @param url of a superuser @returns addresses of the same database for each role */
export async function makeLogins(url: string): Promise<Readonly<Record<Role, string>>> {
  const client = new pg.Client({ connectionString: url, application_name: 'rig-logins' });
  client.on('error', () => {});
  await client.connect();
  const addressOf = async (role: Role) => {
    const password = randomBytes(16).toString('hex');
    await client.query(
      `create role ${LOGINS[role]} login password '${password}' in role ${MEMBER_OF[role]}`,
    );
    const address = new URL(url);
    address.username = LOGINS[role];
    address.password = password;
    return address.href;
  };
  try {
    return { lookup: await addressOf('lookup'), relay: await addressOf('relay') };
  } finally {
    await client.end().catch(() => {});
  }
}
