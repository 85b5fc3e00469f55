// A node that is brought up to date beside the feed: nobody else writes it meanwhile, whatever the feed brings. The
// relay's own code, over machines in memory.

import { afterEach, expect, it } from 'vitest';
import { SCRIPTS } from '../../test/sim/redis-scripts.ts';
import { SimWorld, subjectOn } from '../../test/sim/world.ts';
import type { Config } from '../config.ts';
import { GREEN, RED } from '../health-code.ts';
import type { RedisNode } from '../redis/nodes.ts';
import { readMark } from '../redis/records.ts';
import { FILL } from '../redis/scripts.ts';
import type { Sql } from '../source/sql.ts';

const SHARD = 0;
/** Neither holds the feed: that one's loss would end the term. */
const OTHER = 2;
const MARK = `mark:{${SHARD}}`;
const PEOPLE = [0, 1, 2, 3].map((n) => subjectOn(SHARD, n));

/** What the source answered to a replay, held on its way back until it is let go. */
class HeldAnswers {
  holds = false;
  held: (() => void)[] = [];
  asked = 0;

  readonly door = (sql: Sql): Sql => ({
    query: async (statement, values, signal) => {
      this.asked += 1;
      const rows = await sql.query<never>(statement, values, signal);
      if (this.holds) await new Promise<void>((resolve) => this.held.push(resolve));
      return rows;
    },
    close: () => sql.close(),
  });

  letGo(): void {
    this.holds = false;
    for (const go of this.held.splice(0)) go();
  }
}

let world: SimWorld;
afterEach(() => world.stop());

/** One relay and no process; each call that changes a node is noted with the epoch that its mark then has. */
function worldOf(replays: HeldAnswers, config: Partial<Config> = {}) {
  const calls: string[] = [];
  const noted = ['claim-node', 'begin-node', 'relay-write'].map((name) => [
    name,
    (...call: Parameters<(typeof SCRIPTS)[string]>) => {
      const [data, [key]] = call;
      const reply = SCRIPTS[name]?.(...call);
      if (key === MARK) calls.push(`${name} ${data.hget(MARK, 'epoch') ?? ''}`.trim());
      return reply;
    },
  ]);
  world = new SimWorld(1, {
    lateness: { likely: 0, mostMs: 0 },
    config: { feedTimeoutMs: 30_000, outboxRetentionMs: 60_000, ...config },
    parts: { replays: replays.door, scripts: Object.fromEntries(noted) },
  });
  return calls;
}

const recolor = () =>
  world.write((t) => {
    for (const subject of PEOPLE) world.postgres.person(t, subject, RED);
  });

it('begins no node anew that is being replayed, or records of a lost history would lie in what begins', async () => {
  const replays = new HeldAnswers();
  const calls = worldOf(replays);
  await world.time.rule(async () => {
    world.write((t) => {
      for (const subject of PEOPLE) world.postgres.person(t, subject, GREEN);
    });
    await world.start({ relays: 1, processes: 0 });
    const [relay] = world.relays;
    await world.pass(2_500);
    expect(relay?.relay.behind).toBe(0);
    const backup = world.postgres.backup();
    relay?.setRedisLinks('cut', SHARD);
    recolor();
    await world.pass(2_500);
    expect(relay?.relay.behind).toBe(1);
    const lost = world.postgres.epoch;
    replays.holds = true;
    relay?.setRedisLinks('open', SHARD);
    await world.pass(500);
    expect(replays.held.length).toBe(1);
    calls.length = 0;
    world.postgres.restore(backup, false);
    await world.pass(500);
    expect(world.postgres.epoch).not.toBe(lost);
    replays.letGo();
    await world.pass(2_500);
    // Until it begins, it is of the history that was lost, and its mark says so.
    const begun = calls.findIndex((call) => call.startsWith('begin-node'));
    expect(calls.slice(0, begun)).toEqual([
      `relay-write ${lost}`,
      `relay-write ${lost}`,
      `claim-node ${lost}`,
    ]);
    const writes = new Set(calls.slice(begun + 1));
    expect(writes).toEqual(new Set([`relay-write ${world.postgres.epoch}`]));
    expect(relay?.relay.behind).toBe(0);
  });
});

it('replays a node once, however long that takes', async () => {
  const replays = new HeldAnswers();
  const calls = worldOf(replays);
  await world.time.rule(async () => {
    await world.start({ relays: 1, processes: 0 });
    await world.pass(2_500);
    recolor();
    await world.pass(500);
    replays.holds = true;
    replays.asked = 0;
    calls.length = 0;
    world.restartRelay(0);
    await world.pass(10_000);
    expect(world.relays[0]?.relay.leads).toBe(true);
    expect(calls).toHaveLength(1);
    // Of each of the three nodes, once.
    expect(replays.asked).toBe(3);
    replays.letGo();
    await world.pass(1_000);
    expect(world.relays[0]?.relay.behind).toBe(0);
  });
});

it('brings a node up to date beside another that takes long', async () => {
  const replays = new HeldAnswers();
  worldOf(replays);
  await world.time.rule(async () => {
    await world.start({ relays: 1, processes: 0 });
    const [relay] = world.relays;
    const away = async (shard: number) => {
      relay?.setRedisLinks('cut', shard);
      await world.pass(500);
      relay?.setRedisLinks('open', shard);
    };
    await world.pass(2_500);
    replays.holds = true;
    await away(SHARD);
    await world.pass(500);
    expect(replays.held).toHaveLength(1);
    replays.holds = false;
    await away(OTHER);
    await world.pass(500);
    expect(relay?.relay.behind).toBe(1);
    replays.letGo();
    await world.pass(500);
    expect(relay?.relay.behind).toBe(0);
  });
});

it('begins a node anew that remembers a time before the outbox, and takes no fill meant for before', async () => {
  worldOf(new HeldAnswers(), { outboxRetentionMs: 3_000 });
  await world.time.rule(async () => {
    await world.start({ relays: 1, processes: 0 });
    // Somebody changes all the time: what was told 6 s ago is trimmed.
    for (let second = 0; second < 10; second++) {
      recolor();
      await world.pass(1_000);
    }
    const [node] = world.relays[0]?.redis.masters ?? [];
    const keyspace = async () => (await called(readMark(node as RedisNode, 500)))?.keyspace;
    const was = await keyspace();
    world.redis.restart(SHARD, 6_000);
    await world.pass(2_000);
    expect(world.relays[0]?.relay.behind).toBe(0);
    expect(was).toBeDefined();
    expect(await keyspace()).not.toBe(was);
    const fill = [was as string, world.postgres.now(), 30_000, world.postgres.epoch, ''];
    const filling = (node as RedisNode).run(FILL, [MARK], fill, 500);
    expect(await called(filling)).toBe(-1);
  });
});

it('gives an empty replica that takes over a keyspace of its own, whatever its master had', async () => {
  worldOf(new HeldAnswers());
  await world.time.rule(async () => {
    await world.start({ relays: 1, processes: 0 });
    await world.pass(2_500);
    const keyspaces = async () => {
      const reading = world.relays[0]?.redis.masters.map((node) => readMark(node, 500)) ?? [];
      return (await called(Promise.all(reading))).map((mark) => mark?.keyspace);
    };
    const [was] = await keyspaces();
    expect(new Set(await keyspaces())).toEqual(new Set([was]));
    world.redis.promote(SHARD, 60_000);
    await world.pass(2_500);
    const is = await keyspaces();
    expect(is.filter((one) => one !== undefined)).toHaveLength(3);
    expect(is.filter((one) => one === was)).toHaveLength(2);
  });
});

/** What comes of a call, in the world's time. */
async function called<T>(calling: Promise<T>): Promise<T> {
  await world.pass(100);
  return calling;
}
