// An import's changes, carried out.

import type { SqlSession } from '../source/sql.ts';
import { grouped } from './confirm.ts';
import { writePhotos } from './import-photos.ts';
import type { Plan } from './import-plan.ts';
import type { Stage } from './import-stage.ts';
import { writeFirstLoad, writePaced } from './import-write.ts';
import { CommandError, type Output } from './output.ts';
import { withProgress } from './progress.ts';

export interface CommitOptions {
  /** The file's. */
  readonly name: string;
  readonly stage: Stage;
  readonly plan: Plan;
  /** To be added. */
  readonly photos: number;
  readonly photosDir: string | undefined;
  readonly ratePerS: number;
  readonly revive: boolean;
  /** The command line that undoes it. */
  readonly undo: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Photos first, then people: what was committed stays, and a next run does only the rest.
 * @returns how many were erased by somebody else meanwhile, and left alone
 * @throws CommandError (4) when it ends midway, saying how far it is
 */
export async function commitPlan(
  session: SqlSession,
  options: CommitOptions,
  output: Output,
): Promise<number> {
  const { name, stage, plan, photos, photosDir, signal, ratePerS, revive, undo } = options;
  const committed = { people: 0, photos: 0 };
  try {
    if (photosDir !== undefined && photos > 0)
      await withProgress(output, 'photos', photos, (onDone) =>
        writePhotos(session, {
          dir: photosDir,
          lacking: stage.lacking,
          count: photos,
          signal,
          onDone(done) {
            committed.photos = done;
            onDone(done);
          },
        }),
      );
    if (plan.changes === 0) return 0;
    return await withProgress(output, 'people', plan.changes, async (onDone) => {
      const rows = { planned: stage.planned, changes: plan.changes, signal };
      if (plan.isFirstLoad) {
        await writeFirstLoad(session, { ...rows, onDone });
        return 0;
      }
      const onCommit = (done: number) => {
        committed.people = done;
        onDone(done);
      };
      return writePaced(session, { ...rows, onDone: onCommit, ratePerS, revive });
    });
  } catch (error) {
    const { people, photos: added } = committed;
    if (people + added === 0) throw error;
    output.json({ changed: true, people_done: people, photos_done: added, undo: undo ?? null });
    throw new CommandError(
      `${(error as Error).message}\n${name}: ${grouped(people)} of ${grouped(plan.changes)} people and ` +
        `${grouped(added)} of ${grouped(photos)} photos are done: run it again for the rest` +
        (undo ? `\nundo: ${undo}` : ''),
      4,
    );
  }
}
