// What a person at the terminal can do with a rig that runs, as lines to copy.

import { subjectOf } from './people.ts';
import type { Rig } from './rig.ts';

export function whatToTry(rig: Rig): string[] {
  const subject = subjectOf(0);
  const [service] = rig.services;
  if (!service) return [];
  const ops = rig.services.map(({ ports }) => `127.0.0.1:${ports.ops}`).join(' ');
  const question = JSON.stringify({ question: { subject } });
  const firstNode = rig.redis.nodes[0];
  return [
    '',
    'All run, with made people. Try, in another terminal:',
    '',
    `  phone     curl -s -H "Authorization: Bearer ${rig.keys.token(subject)}" \\`,
    `              http://127.0.0.1:${service.ports.http}/v1/code`,
    '',
    "  gate      grpcurl -plaintext -import-path proto -proto lookup/v1/lookup.proto -d '" +
      `${question}' 127.0.0.1:${service.ports.grpc} lookup.v1.LookupService/Lookup`,
    '',
    `  source    psql ${rig.postgres.url}`,
    `  redis     redis-cli -c -p ${firstNode?.port} cluster nodes`,
    `  ops       curl -s http://127.0.0.1:${service.ports.ops}/metrics`,
    '',
    `  commands  ${exported(rig)}`,
    `            npx lookup status --ops ${ops}`,
    `            npx lookup set-color ${subject} red`,
    '            npx lookup set-area 1 yellow --yes',
    '',
    `  load      export ${exports(loadEnv(rig))}`,
    '            (see loadtest/README.md, "A script by itself", for the people that it asks about)',
    '',
    ...rig.services.map(({ name, pid, ports }) => row(name, pid, Object.entries(ports))),
    ...rig.relays.map(({ name, pid, ports }) => row(name, pid, [['ops', ports.ops]])),
    ...rig.redis.nodes.map(({ pid, port }, i) => row(`redis-${i + 1}`, pid, [['port', port]])),
    '',
    'Type here: kill service-1, pause redis-2, resume redis-2, stop postgres, start postgres, and so on.',
    'Ctrl-C ends all; nothing is kept.',
    '',
  ];
}

/** What the commands read; the rest is the processes' own. */
const EXPORTED = ['LOOKUP_POSTGRES_URL', 'LOOKUP_REDIS_URL', 'LOOKUP_ISSUERS_FILE'];

const exported = ({ env }: Rig) =>
  `export ${exports(Object.fromEntries(EXPORTED.map((name) => [name, env[name]])))}`;

const exports = (env: Readonly<Record<string, string | undefined>>) =>
  Object.entries(env)
    .map(([name, value]) => `${name}='${value}'`)
    .join(' \\\n                   ');

const loadEnv = ({ services, keys }: Rig) => ({
  HTTP_URLS: services.map(({ ports }) => `http://127.0.0.1:${ports.http}`).join(','),
  GRPC_ADDRS: services.map(({ ports }) => `127.0.0.1:${ports.grpc}`).join(','),
  TOKEN_KEYS: keys.tokenKeysFile,
});

const row = (name: string, pid: number, ports: [string, number][]) =>
  `  ${name.padEnd(9)} pid ${pid}  ${ports.map(([name, port]) => `${name} ${port}`).join('  ')}`;
