import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isId } from '../health-code.ts';
import { type Embedded, openEmbedded } from '../source/embedded.ts';
import { migrate } from '../source/migrate.ts';
import type { SqlSession } from '../source/sql.ts';
import { demoKeys } from './keys.ts';
import { DEMO_PEOPLE_COUNT, demoAreas, demoPerson } from './people.ts';
import { drawPortrait, PORTRAIT_HEIGHT, PORTRAIT_WIDTH } from './portrait.ts';
import { photoIdOf, seedDemo, seedPhotos } from './seed.ts';

const PEOPLE = Array.from({ length: DEMO_PEOPLE_COUNT }, (_, i) => demoPerson(i));

describe('a made portrait', () => {
  test('is the same PNG for the same seed, and small', () => {
    for (let seed = 0; seed < 200; seed++) {
      const png = drawPortrait(seed);
      expect(png.equals(drawPortrait(seed))).toBe(true);
      expect(png.length).toBeLessThan(6_000);
      expect(png.toString('latin1', 1, 4)).toBe('PNG');
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([
        PORTRAIT_WIDTH,
        PORTRAIT_HEIGHT,
      ]);
      const data = png.indexOf('IDAT');
      const pixels = inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4)));
      expect(pixels.length).toBe((PORTRAIT_WIDTH + 1) * PORTRAIT_HEIGHT);
    }
  });

  test('differs between people', () => {
    const ids = new Set(
      PEOPLE.slice(0, 1_000).map(({ portraitSeed }) => photoIdOf(drawPortrait(portraitSeed))),
    );
    expect(ids.size).toBe(1_000);
  });
});

describe('made people', () => {
  test('have canonical subjects, each their own', () => {
    expect(PEOPLE.every(({ subject }) => isId(subject))).toBe(true);
    expect(new Set(PEOPLE.map(({ subject }) => subject)).size).toBe(DEMO_PEOPLE_COUNT);
  });

  test('live in one or two of sixteen districts, in every one of them', () => {
    const known = demoAreas().map(({ id }) => id);
    expect(known).toHaveLength(16);
    for (const { areas } of PEOPLE) {
      expect(areas.length === 1 || areas.length === 2).toBe(true);
      expect(new Set(areas).size).toBe(areas.length);
    }
    expect([...new Set(PEOPLE.flatMap(({ areas }) => areas))].sort((a, b) => a - b)).toEqual(known);
  });

  test('are green for the most part', () => {
    const share = (color: string) =>
      PEOPLE.filter((person) => person.color === color).length / DEMO_PEOPLE_COUNT;
    expect(share('green')).toBeCloseTo(0.97, 2);
    expect(share('yellow')).toBeCloseTo(0.02, 2);
    expect(share('red')).toBeCloseTo(0.01, 2);
  });
});

describe('made keys', () => {
  test('are made once, for their owner only, in the shape that the issuers file has', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'demo-keys-'));
    try {
      const files = await demoKeys(join(dir, 'deeper'));
      const before = await readFile(files.issuersFile, 'utf8');
      expect((await stat(files.issuersFile)).mode & 0o777).toBe(0o600);
      expect((await stat(files.photoKeysFile)).mode & 0o777).toBe(0o600);
      expect(await demoKeys(join(dir, 'deeper'))).toEqual(files);
      expect(await readFile(files.issuersFile, 'utf8')).toBe(before);
      const { demo, issuers } = JSON.parse(before);
      expect(demo).toBe(true);
      expect(issuers.map(({ name }: { name: string }) => name)).toEqual([
        'wechat',
        'alipay',
        'city',
      ]);
      expect(issuers[0].keys.keys).toHaveLength(2);
      expect(Buffer.from(issuers[0].keys.keys[0].k, 'base64url')).toHaveLength(32);
      expect(issuers[2].keys.keys[0]).toMatchObject({ crv: 'Ed25519', alg: 'EdDSA' });
      const photoKeys = JSON.parse(await readFile(files.photoKeysFile, 'utf8'));
      expect(Buffer.from(photoKeys.keys[0].secret, 'base64url')).toHaveLength(32);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('seeding', () => {
  let source: Embedded;
  let session: SqlSession;

  beforeAll(async () => {
    source = await openEmbedded();
    session = source.session();
    await migrate(session);
  }, 60_000);

  afterAll(() => source?.close());

  const count = async (what: string) =>
    Number((await session.query<{ n: string }>(`select count(*)::text as n from ${what}`))[0]?.n);

  test('fills an empty source at the cost of one mark on the feed', async () => {
    const progress: number[] = [];
    await seedDemo(session, (done) => progress.push(done));
    expect(await count('person')).toBe(DEMO_PEOPLE_COUNT);
    expect(await count('area')).toBe(16);
    expect(await count("outbox where kind = 'person'")).toBe(0);
    expect(await count("outbox where kind = 'load'")).toBe(1);
    expect(progress.at(-1)).toBe(DEMO_PEOPLE_COUNT);
  }, 60_000);

  test('does nothing when people are there', async () => {
    await seedDemo(session, () => {
      throw new Error('it worked');
    });
    expect(await count('person')).toBe(DEMO_PEOPLE_COUNT);
  });

  test('adds portraits in chunks and goes on where it stopped', async () => {
    const stop = new AbortController();
    await seedPhotos(session, (done) => done >= 120 && stop.abort(), stop.signal);
    const before = await count('photo');
    expect(before).toBe(120);
    let total = 0;
    const again = new AbortController();
    await seedPhotos(
      session,
      (done, all) => {
        total = all;
        if (done >= 40) again.abort();
      },
      again.signal,
    );
    expect(total).toBe(DEMO_PEOPLE_COUNT - 120);
    expect(await count('photo')).toBe(160);
    expect(
      await count('person where exists (select from photo where photo.id = person.photo_id)'),
    ).toBe(160);
  }, 60_000);

  test('gives a person another photo when theirs can no longer be drawn', async () => {
    await session.query(
      `update person set photo_id = '00000000-0000-4000-8000-000000000001' where subject =
        (select subject from person where exists (select from photo where photo.id = photo_id) limit 1)`,
    );
    const stop = new AbortController();
    await seedPhotos(session, () => stop.abort(), stop.signal);
    expect(await count("person where photo_id = '00000000-0000-4000-8000-000000000001'")).toBe(0);
  }, 60_000);
});
