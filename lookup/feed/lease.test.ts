import { expect, it } from 'vitest';
import { SimWorld } from '../../test/sim/world.ts';

it('a relay leads after the answer that gave it its term was lost, though its lease was renewed since', async () => {
  const world = new SimWorld(1, { lateness: { likely: 0, mostMs: 0 } });
  await world.time.rule(async () => {
    const relay = world.startRelay();
    const hasTerm = (term: number) => (world.postgres.disk.lease?.term ?? 0) >= term;
    // The second is the one with which it claims the feed.
    while (!hasTerm(2)) await world.pass(0.1);
    relay.setSourceLink('silent');
    await world.pass(10);
    relay.setSourceLink('open');
    await world.pass(3 * world.config.leaseMs);
    expect(relay.relay.leads).toBe(true);
    world.stop();
  });
});
