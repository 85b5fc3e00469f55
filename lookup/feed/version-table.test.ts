import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VersionTable } from './version-table.ts';

/** As random ones, as numbered in order from either end, and such as differ in one bit. */
function idOf(kind: number, n: number): string {
  const bytes = Buffer.alloc(16);
  if (kind === 0) bytes.writeUInt32BE(n, 12);
  else if (kind === 1) bytes.writeUInt32LE(n, 0);
  else if (kind === 2) bytes[n % 16] = 1 << (n % 8);
  else
    bytes
      .fill(Math.imul(n + 1, 0x9e3779b1) >>> 24)
      .writeUInt32BE(Math.imul(n, 0x85ebca77) >>> 0, 4);
  return bytes.toString('base64url');
}

describe('versions by subject', () => {
  it('are as a Map would hold them', () => {
    const version = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: -9, max: -1 }));
    const entry = fc.tuple(fc.nat(3), fc.nat(3_000), version);
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4_000 }), (entries) => {
        const [table, map] = [new VersionTable(), new Map<string, number>()];
        for (const [kind, n, value] of entries) {
          table.set(idOf(kind, n), value);
          map.set(idOf(kind, n), value);
        }
        expect(table.size).toBe(map.size);
        for (let n = 0; n <= 3_000; n++)
          for (let kind = 0; kind < 4; kind++) {
            const id = idOf(kind, n);
            if (table.get(id) !== (map.get(id) ?? 0))
              expect([id, table.get(id)]).toEqual([id, map.get(id) ?? 0]);
          }
      }),
      { numRuns: 20 },
    );
  });

  it('hold very many people who are numbered in order', () => {
    const table = new VersionTable();
    for (let n = 0; n < 200_000; n++) table.set(idOf(0, n), n + 1);
    expect(table.size).toBe(200_000);
    for (let n = 0; n < 200_000; n += 97) expect(table.get(idOf(0, n))).toBe(n + 1);
    expect(table.get(idOf(1, 77))).toBe(0);
  });
});
