import { lastingPorts, portsFrom } from '../../test/ports.ts';
import { BUS_PORT_ABOVE } from '../../test/redis-node.ts';
import type { RigOptions } from './rig.ts';
import type { Ports, Role } from './served.ts';

export interface RigPorts {
  readonly postgres: number;
  readonly redis: readonly number[];
  readonly processes: readonly {
    readonly name: string;
    readonly role: Role;
    readonly ports: Ports;
  }[];
}

/** One for PostgreSQL, one for each Redis, then three for each relay and each service. */
export async function portsOf(options: RigOptions): Promise<RigPorts> {
  const {
    services = 2,
    relays = 2,
    redis: { masters = 3, replicas = 3 } = {},
    firstPort,
  } = options;
  const nodes = masters + replicas;
  const count = 1 + nodes + 3 * (relays + services);
  const take = await (firstPort === undefined
    ? lastingPorts(count, BUS_PORT_ABOVE)
    : portsFrom(firstPort, count));
  const next = () => take.shift() ?? 0;
  const process = (role: Role, name: string) => (_: unknown, i: number) => ({
    name: `${name}-${i + 1}`,
    role,
    ports: { http: next(), grpc: next(), ops: next() },
  });
  return {
    postgres: next(),
    redis: Array.from({ length: nodes }, next),
    processes: [
      ...Array.from({ length: relays }, process('relay', 'relay')),
      ...Array.from({ length: services }, process('lookup', 'service')),
    ],
  };
}
