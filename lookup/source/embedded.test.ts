import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FolderInUseError, openEmbedded } from './embedded.ts';
import { enterDoor, openDoor } from './embedded-door.ts';
import { migrate } from './migrate.ts';
import { describeSource, idOf } from './source.contract.ts';

describe('the embedded source', () => {
  describeSource(async () => {
    const embedded = await openEmbedded();
    return { sql: embedded.sql, session: embedded.session(), close: () => embedded.close() };
  });
});

describe('the embedded source in a folder', () => {
  const dirs: string[] = [];
  const folder = () => {
    const dir = mkdtempSync(join(tmpdir(), 'lookup-embedded-'));
    dirs.push(dir);
    return dir;
  };
  afterEach(() => {
    for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
  });

  it('keeps what was changed, and belongs to one process at a time', async () => {
    const dir = folder();
    const first = await openEmbedded(dir);
    await migrate(first.session());
    await first
      .session()
      .query(`insert into person (subject, color) values (lookup_subject($1), 'red')`, [idOf(1)]);
    await first.close();
    const again = await openEmbedded(dir);
    const rows = await again.session().query<{ color: string }>('select color::text from person');
    expect(rows).toEqual([{ color: 'red' }]);
    await again.close();
  });

  it('is entered from outside through its door, by transactions that others never look into', async () => {
    const dir = folder();
    const embedded = await openEmbedded(dir);
    const close = await openDoor(dir, () => embedded.session());
    await migrate(embedded.session());
    const visitor = await enterDoor(dir);
    if (!visitor) throw new Error('the door is closed');
    const seenInside: unknown[] = [];
    const undone = visitor.transaction(async () => {
      await visitor.query(
        `insert into person (subject, color) values (lookup_subject($1), 'red')`,
        [idOf(2)],
      );
      seenInside.push(...(await visitor.query('select color::text from person')));
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    expect(seenInside).toEqual([{ color: 'red' }]);
    expect(await embedded.session().query('select 1 from person')).toEqual([]);
    await expect(visitor.query('select nonsense')).rejects.toThrow('nonsense');
    const [row] = await visitor.query<{ bytes: Uint8Array }>('select $1::bytea as bytes', [
      Buffer.from([1, 2, 255]),
    ]);
    expect(Buffer.from(row?.bytes as Uint8Array)).toEqual(Buffer.from([1, 2, 255]));
    await visitor.close();
    await close();
    await embedded.close();
    expect(await enterDoor(dir)).toBeUndefined();
  });

  it('is not opened while another process has it', async () => {
    const dir = folder();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(dir, 'lock'), String(process.ppid));
    await expect(openEmbedded(dir)).rejects.toThrow(FolderInUseError);
  });
});
