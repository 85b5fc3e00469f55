// What a relay says of Redis: a change of state, once, and nothing of what is always so when it begins.

import { afterEach, expect, it } from 'vitest';
import type { SimRelay } from '../../test/sim/relay.ts';
import { SimWorld } from '../../test/sim/world.ts';
import { noLog } from '../log.ts';

let world: SimWorld;
let warnings: string[];
afterEach(() => world.stop());

/** One relay that cannot reach Redis yet. */
function ruled(work: (relay: SimRelay) => Promise<void>): Promise<void> {
  warnings = [];
  const warn = (_: unknown, text: string) => void warnings.push(text);
  const log = { ...noLog, warn } as typeof noLog;
  world = new SimWorld(1, { lateness: { likely: 0, mostMs: 0 }, parts: { log } });
  return world.time.rule(() => {
    const relay = world.startRelay();
    relay.setRedisLinks('cut');
    return work(relay);
  });
}

const AWAY = 'the relay could not lead';

it('says nothing while its first connection may yet come', () =>
  ruled(async (relay) => {
    await world.pass(600);
    relay.setRedisLinks('open');
    await world.pass(2_000);
    expect(relay.relay.leads).toBe(true);
    expect(warnings).toEqual([]);
  }));

it('says once that it has not come', () =>
  ruled(async () => {
    await world.pass(10_000);
    expect(warnings).toEqual([AWAY]);
  }));

it('says at once that Redis has gone away', () =>
  ruled(async (relay) => {
    relay.setRedisLinks('open');
    await world.pass(2_000);
    relay.setRedisLinks('cut');
    await world.pass(2_000);
    expect(warnings).toContain(AWAY);
  }));
