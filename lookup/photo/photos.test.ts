import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../clock.ts';
import type { Photo } from '../source/source.ts';
import { Photos, type PhotosOptions } from './photos.ts';

const OPTIONS: PhotosOptions = {
  photoMemoryBytesMax: 1_000_000,
  photoQueriesPerS: 1_000,
  photoInFlightMax: 100,
  photoTimeoutMs: 1_000,
};
const idOf = (n: number) => Buffer.alloc(16, n).toString('base64url');

/** Photos over a source that answers when told to. */
function world(options: Partial<PhotosOptions> = {}) {
  const clock = new ManualClock();
  const asked: {
    id: string;
    signal: AbortSignal;
    give: (photo: Photo | undefined) => void;
    fail: () => void;
  }[] = [];
  const loadPhoto = (id: string, signal: AbortSignal) =>
    new Promise<Photo | undefined>((give, reject) => {
      asked.push({ id, signal, give, fail: () => reject(new Error('away')) });
    });
  const photos = new Photos({ loadPhoto }, { ...OPTIONS, ...options }, clock);
  const photoOf = (n: number, length = 100) => ({
    mime: 'image/png',
    bytes: Buffer.alloc(length, n),
  });
  /** Asks, and the source has it. */
  const load = async (n: number, length = 100) => {
    const finding = photos.find(idOf(n));
    asked.shift()?.give(photoOf(n, length));
    return finding;
  };
  return { clock, asked, photos, photoOf, load };
}

describe('photos', () => {
  it('come from the source once, and from memory at once after that', async () => {
    const { photos, photoOf, load, asked } = world();
    const found = { outcome: 'found', photo: photoOf(1) };
    expect(await load(1)).toEqual(found);
    const again = photos.find(idOf(1));
    expect(again).not.toBeInstanceOf(Promise);
    expect(again).toEqual(found);
    expect(asked).toEqual([]);
    expect(photos.stats).toMatchObject({ hits: 1, misses: 1 });
  });

  it('are asked for once by all who want one at a time', async () => {
    const { photos, photoOf, asked } = world();
    const finding = [1, 2, 3].map(() => photos.find(idOf(1)));
    expect(asked.length).toBe(1);
    asked[0]?.give(photoOf(1));
    for (const answer of await Promise.all(finding)) expect(answer.outcome).toBe('found');
  });

  it('fill no more memory than they may: those seen longest ago leave', async () => {
    const { photos, load } = world({ photoMemoryBytesMax: 100_000 });
    for (let n = 0; n < 30; n++) {
      await load(n, 9_800);
      photos.find(idOf(0));
      expect(photos.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(photos.bytes).toBe(10 * (9_800 + 200));
    expect(photos.find(idOf(0))).not.toBeInstanceOf(Promise);
    expect(photos.find(idOf(5))).toBeInstanceOf(Promise);
  });

  it('larger than all memory are answered and not kept', async () => {
    const { photos, load } = world({ photoMemoryBytesMax: 1_000 });
    expect(await load(1, 2_000)).toMatchObject({ outcome: 'found' });
    expect(photos.bytes).toBe(0);
  });

  it('that are small are bounded in number too', async () => {
    const { photos, load } = world({ photoMemoryBytesMax: 20_000, photoQueriesPerS: 10_000 });
    for (let n = 0; n < 200; n++) await load(n, 1);
    expect(photos.bytes).toBeLessThanOrEqual(20 * 201);
  });

  it('that are absent are believed to be for a second', async () => {
    const { photos, asked, clock, load } = world();
    const finding = photos.find(idOf(1));
    asked.shift()?.give(undefined);
    expect(await finding).toEqual({ outcome: 'absent' });
    clock.advance(999);
    expect(await photos.find(idOf(1))).toEqual({ outcome: 'absent' });
    expect(asked).toEqual([]);
    clock.advance(1);
    expect(await load(1)).toMatchObject({ outcome: 'found' });
    expect(photos.stats.absent).toBe(1);
  });

  it('that cannot be read are unavailable, which nobody remembers', async () => {
    const { photos, asked, load } = world();
    const finding = photos.find(idOf(1));
    asked.shift()?.fail();
    expect(await finding).toEqual({ outcome: 'unavailable' });
    expect(photos.stats).toMatchObject({ failures: 1, absent: 0 });
    expect(await load(1)).toMatchObject({ outcome: 'found' });
  });

  it('are waited for no longer than they may take', async () => {
    const { photos, asked } = world({ photoTimeoutMs: 5 });
    void photos.find(idOf(1));
    const signal = asked[0]?.signal;
    await new Promise((resolve) => signal?.addEventListener('abort', resolve));
    expect(signal?.reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('are shed past those under way, and never from memory', async () => {
    const { photos, asked, photoOf, load } = world({ photoInFlightMax: 2 });
    await load(9);
    const finding = [1, 2, 3, 4].map((n) => photos.find(idOf(n)));
    expect(asked.length).toBe(2);
    expect(await Promise.all(finding.slice(2))).toEqual([{ outcome: 'shed' }, { outcome: 'shed' }]);
    expect(photos.find(idOf(9))).toMatchObject({ outcome: 'found' });
    for (const { give } of asked.splice(0)) give(photoOf(1));
    await Promise.all(finding);
    expect(await load(3)).toMatchObject({ outcome: 'found' });
    expect(photos.stats.shed).toBe(2);
  });

  it('past their budget of queries wait for it', async () => {
    const { photos, asked, clock, photoOf } = world({ photoQueriesPerS: 20 });
    const finding = [1, 2, 3].map((n) => photos.find(idOf(n)));
    await vi.waitFor(() => expect(asked.length).toBe(2));
    clock.advance(50);
    await vi.waitFor(() => expect(asked.length).toBe(3));
    for (const { give } of asked.splice(0)) give(photoOf(1));
    for (const answer of await Promise.all(finding)) expect(answer.outcome).toBe('found');
    expect(photos.stats.shed).toBe(0);
  });

  it('are shed when they have waited for half of the time that they may take', async () => {
    const { photos, asked, clock } = world({ photoQueriesPerS: 1, photoTimeoutMs: 40 });
    void photos.find(idOf(1));
    const late = photos.find(idOf(2));
    clock.advance(20);
    expect(await late).toEqual({ outcome: 'shed' });
    expect(asked.length).toBe(1);
    expect(photos.stats.shed).toBe(1);
  });
});
