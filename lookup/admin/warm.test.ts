// lookup warm on a real PostgreSQL and a real Redis Cluster, with a real relay beside it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase } from '../../test/database.ts';
import { keptOutput } from '../../test/output.ts';
import { type RedisCluster, startRedisCluster } from '../../test/redis-cluster.ts';
import { openRedisWorld, type RedisWorld } from '../../test/redis-world.ts';
import { idOf, type Writer } from '../../test/service.ts';
import { until } from '../../test/wait.ts';
import { decode } from '../layers/record-codec.ts';
import type { RedisNode, RedisNodes, Script } from '../redis/nodes.ts';
import { readMark, readPlaces } from '../redis/records.ts';
import { PLACE_BYTES, placeInto, slotOfBucket } from '../redis/slots.ts';
import { PAGE } from '../source/people.ts';
import type { SqlSession } from '../source/sql.ts';
import { warm } from './warm.ts';

const PEOPLE = 1_000;
const PAGE_PEOPLE = 100;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let redis: RedisCluster;
let world: RedisWorld;
let writer: Writer;
let nodes: RedisNodes;

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), startRedisCluster()]);
  world = await openRedisWorld(database.url, redis);
  writer = await world.connect();
  await writer.area(1);
  nodes = world.connectRedis();
  await until(() => nodes.masters.length === 3 && nodes.masters.every((one) => one.connected), {
    what: 'Redis is reached',
  });
}, 60_000);

afterAll(async () => {
  await world?.close();
  await redis?.discard();
  await database?.drop();
});

async function inRedis(n: number) {
  const place = Buffer.alloc(PLACE_BYTES);
  const node = nodes.nodeOf(slotOfBucket(placeInto(place, 0, idOf(n))));
  const [value] = (node && (await readPlaces(node, [place], 1_000)))?.values ?? [];
  return value?.length ? decode(value, idOf(n))?.person : undefined;
}

const countInRedis = async () => {
  const found = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => inRedis(i + 1)));
  return found.filter((person) => person !== undefined).length;
};

const options = (more: Partial<Parameters<typeof warm>[2]> = {}) => ({
  after: undefined,
  ratePerS: undefined,
  fenceMs: 30_000,
  signal: new AbortController().signal,
  pagePeople: PAGE_PEOPLE,
  ...more,
});

test('without a relay it says what to start, and writes nothing', async () => {
  const warming = warm(writer.session, nodes, options(), keptOutput());
  await expect(warming).rejects.toThrow(
    /has no mark: no relay has led yet.* npx lookup serve --role relay/,
  );
  await expect(warming).rejects.toMatchObject({ exitCode: 1 });
});

describe('beside a relay that has led', () => {
  beforeAll(async () => {
    // It fills what was empty by itself, when it finds that: nobody is there yet.
    const relay = world.relay();
    await until(
      async () =>
        (await Promise.all(nodes.masters.map((one) => readMark(one, 500)))).every(
          (mark) => mark?.token,
        ),
      { what: 'each node has a mark, of a history that can be told from another' },
    );
    await relay.stop();
    // None of them is on the feed: only a warm-up brings them into Redis.
    await writer.session.transaction(async () => {
      await writer.session.query('select lookup_begin_first_load()');
      await writer.people(1, PEOPLE, [1]);
    });
  });

  test('one that is ended says how to go on, and what it has not said lies in Redis', async () => {
    const ending = new AbortController();
    const progress: number[] = [];
    const onProgress = (done: number) => {
      progress.push(done);
      if (done >= 3 * PAGE_PEOPLE) ending.abort(new Error('interrupted'));
    };
    const output = keptOutput({ asJson: true, onProgress });
    const warming = warm(writer.session, nodes, options({ signal: ending.signal }), output);
    await expect(warming).rejects.toMatchObject({ exitCode: 4 });
    await expect(warming).rejects.toThrow(
      `interrupted\n300 people lie in Redis; to go on: npx lookup warm --after ${idOf(300)}`,
    );
    expect(progress).toEqual([PAGE_PEOPLE, 2 * PAGE_PEOPLE, 3 * PAGE_PEOPLE]);
    expect(output.value).toMatchObject({ complete: false, people: 300 });
    expect(await inRedis(300)).toMatchObject({ color: 1, areas: [1] });
    expect(await inRedis(PEOPLE)).toBeUndefined();
  });

  test('going on reads only the others, and undoes no newer record', async () => {
    const relay = world.relay();
    await writer.person(PEOPLE, 'red', [1]);
    await until(async () => (await inRedis(PEOPLE)) !== undefined, { what: 'the relay wrote it' });
    const output = keptOutput({ asJson: true });
    await warm(writer.session, nodes, options({ after: idOf(300) }), output);
    expect(output.value).toMatchObject({ complete: true, people: 700, continue: null });
    // The page that was under way may have been written too.
    expect(output.value.written).toSatisfy((n: number) => n === 699 || n === 599);
    expect(await inRedis(PEOPLE)).toMatchObject({ color: 3 });
    expect(await countInRedis()).toBe(PEOPLE);
    await relay.stop();
  });

  test('a second time there is nothing to write, and it says so in a line', async () => {
    const output = keptOutput();
    await warm(writer.session, nodes, options(), output);
    expect(output.lines).toEqual([
      expect.stringMatching(
        /^1,000 people read; 0 were missing or older in Redis, and are there now; /,
      ),
    ]);
  });

  test('keeps to its rate', async () => {
    const begun = performance.now();
    await warm(writer.session, nodes, options({ ratePerS: 2_000 }), keptOutput());
    expect(performance.now() - begun).toBeGreaterThan(490);
  });

  test('the estimate of what is left shows on the way', async () => {
    const totals = new Set<number>();
    const output = keptOutput({ onProgress: (_, total) => totals.add(total) });
    await warm(writer.session, nodes, options({ after: idOf(400) }), output);
    expect([...totals]).toEqual([600]);
  });

  test('marks of another epoch are told, and nothing is written', async () => {
    await writer.session.query('update source_epoch set counter = counter + 1');
    await expect(warm(writer.session, nodes, options(), keptOutput())).rejects.toThrow(
      /its mark is of epoch \S+-1, the source of \S+-2/,
    );
    await writer.session.query('update source_epoch set counter = counter - 1');
  });

  test('a source that lost what Redis follows is told, and nothing is begun', async () => {
    await writer.session.exec('begin; delete from history_token');
    const warming = warm(writer.session, nodes, options(), keptOutput());
    await expect(warming).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^the source lacks what Redis follows: .* A relay that leads/),
    });
    await writer.session.exec('rollback');
  });

  test('one that loses its history midway is read no further', async () => {
    let lost = false;
    const session: SqlSession = {
      ...writer.session,
      query: (text, values = []) =>
        writer.session.query(
          text,
          lost && text === PAGE.text ? [...values.slice(0, 2), []] : values,
        ),
    };
    const onProgress = (done: number) => {
      lost = done >= 2 * PAGE_PEOPLE;
    };
    const output = keptOutput({ asJson: true, onProgress });
    const warming = warm(session, nodes, options(), output);
    await expect(warming).rejects.toThrow(/^the source lacks what Redis follows: /);
    await expect(warming).rejects.toMatchObject({ exitCode: 4 });
    // One more was read before it was lost, and may lie there too.
    expect(output.value).toMatchObject({ complete: false, people: 2 * PAGE_PEOPLE });
  });

  test('one that cannot write any more says no more than what it has written', async () => {
    let broken = false;
    const failing = failingNodes((script) => broken && script.name === 'fill');
    const onProgress = (done: number) => {
      broken = done >= 2 * PAGE_PEOPLE;
    };
    const output = keptOutput({ onProgress });
    await expect(
      warm(writer.session, failing, options({ ratePerS: 9_000 }), output),
    ).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(
        `^cannot be filled: .*\n200 people lie in Redis; to go on: npx lookup warm --after ${idOf(200)} --rate 9000$`,
      ),
    });
  });

  test('a node that is dead is told, and nothing is begun', async () => {
    await redis.nodes[0]?.kill9();
    const lost = warm(writer.session, nodes, options(), keptOutput());
    await expect(lost).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining(`${redis.nodes[0]?.name} (Redis)`),
    });
  });

  function failingNodes(fails: (script: Script) => boolean): RedisNodes {
    const wrapped = new Map<string, RedisNode>();
    const wrap = (node: RedisNode): RedisNode => {
      const run: RedisNode['run'] = (script, ...rest) =>
        fails(script) ? Promise.reject(new Error('broken')) : node.run(script, ...rest);
      const { name, markKey, connected } = node;
      const made = wrapped.get(name) ?? { name, markKey, connected, run, command: node.command };
      wrapped.set(name, made);
      return made;
    };
    const nodeOf = (slot: number) => {
      const node = nodes.nodeOf(slot);
      return node && wrap(node);
    };
    return {
      masters: nodes.masters.map(wrap),
      nodeOf,
      slotCounts: () => nodes.slotCounts(),
      refresh() {},
      dedicated: () => undefined,
      close: async () => {},
    };
  }
});
