import type { Rig } from '../rig/rig.ts';

/**
 * As a release does: the next ones fill their memory before they take traffic.
 * @param env LOOKUP_… of this start
 */
export async function restart(
  { services }: Rig,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const service of services) {
    await service.stop();
    await service.start(env);
  }
  await Promise.all(services.map((one) => one.ready(60_000)));
}
