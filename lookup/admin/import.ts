// lookup import FILE: people from a file, all of them or none. Read and checked into a temporary table, compared there
// with the source, told and asked, and only then written: the first load in one transaction, later ones as ordinary
// changes in paced chunks.

import type { SqlSession } from '../source/sql.ts';
import { sayChange } from './change.ts';
import { ASK_ABOVE_SHARE, confirm, grouped } from './confirm.ts';
import { commitPlan } from './import-commit.ts';
import { Faults } from './import-faults.ts';
import { type ImportFileOptions, openImportFile } from './import-file.ts';
import { makePlan, type Plan } from './import-plan.ts';
import { readPeople } from './import-read.ts';
import { doneText, planLines } from './import-says.ts';
import { Stage } from './import-stage.ts';
import { writeUndo } from './import-undo.ts';
import type { Output } from './output.ts';
import type { WaitFor } from './wait.ts';

/** `--rate`, unless told: people a second. */
export const IMPORT_RATE_PER_S = 10_000;

export interface ImportOptions extends ImportFileOptions {
  /** Where the files are that the photo column names; without it, that column has photo ids. */
  readonly photosDir: string | undefined;
  /** Brings erased people back, who else are errors. */
  readonly revive: boolean;
  /** So many errors are told with their places; see ERRORS_MAX. */
  readonly errorsMax: number;
  /** Of a later import: people a second; see IMPORT_RATE_PER_S. */
  readonly ratePerS: number;
  readonly yes: boolean;
  readonly dryRun: boolean;
  /** Where the rows of those who change go, as they were: a file that is not there yet; see undoFileName. */
  readonly undoFile: string;
  /** Ends it at the next point where that is sound; its reason is thrown when nothing was changed. */
  readonly signal: AbortSignal;
  readonly wait?: WaitFor | undefined;
}

/**
 * @throws CommandError (2) when the file is wrong, having said where; (3) not confirmed; (4) done in part; (1) when
 *   somebody else made the first load meanwhile
 */
export async function importPeople(
  session: SqlSession,
  options: ImportOptions,
  output: Output,
): Promise<void> {
  const { signal } = options;
  signal.throwIfAborted();
  const file = await openImportFile(options);
  const faults = new Faults(options.errorsMax);
  const stage = await Stage.open(session);
  try {
    const read = await readPeople(session, { ...options, file, stage, faults }, output);
    faults.addAll(await stage.findDoubles(options.errorsMax));
    if (!options.revive) faults.addAll(await stage.findErased(options.errorsMax));
    faults.report(output, file.name);
    signal.throwIfAborted();
    const photos = options.photosDir === undefined ? 0 : await stage.planPhotos();
    const plan = await makePlan(session, stage, read);
    signal.throwIfAborted();
    await carryOut(session, { ...options, stage, plan, photos, name: file.name }, output);
  } finally {
    file.stream.destroy();
    // The session may be gone, and its temporary tables with it.
    await stage.drop().catch(() => {});
  }
}

interface Planned extends ImportOptions {
  readonly stage: Stage;
  readonly plan: Plan;
  /** To be added. */
  readonly photos: number;
  readonly name: string;
}

async function carryOut(session: SqlSession, planned: Planned, output: Output): Promise<void> {
  const { plan, photos, name, stage, yes, dryRun, undoFile, signal } = planned;
  for (const line of planLines(name, plan, photos)) output.note(line);
  const { moves, ...counts } = plan;
  const changing = moves.reduce((sum, { people }) => sum + people, 0);
  const value = { file: name, ...snakeCase(counts), changing, moves, new_photos: photos };
  if (dryRun) {
    output.line(`${grouped(plan.changes)} people would be written; nothing was changed`);
    output.json({ ...value, changed: false, dry_run: true });
    return;
  }
  if (changing > ASK_ABOVE_SHARE * plan.people)
    await confirm(output, `Change the color of ${grouped(changing)} people?`, { yes });
  // A first load has no rows before it.
  const undo = plan.isFirstLoad
    ? undefined
    : await writeUndo(session, {
        file: undoFile,
        planned: stage.planned,
        changes: plan.changes,
        signal,
      });
  const begun = performance.now();
  const left = await commitPlan(session, { ...planned, undo: undo?.command }, output).catch(
    async (error) => {
      if (error === signal.reason) await undo?.discard();
      throw error;
    },
  );
  const seconds = (performance.now() - begun) / 1_000;
  await sayChange(session, output, {
    changed: plan.changes + photos > 0,
    text: doneText(name, plan, { photos, left, seconds }),
    value: { ...value, erased_meanwhile: left, write_seconds: Math.round(seconds * 1_000) / 1_000 },
    undo: undo?.command,
    wait: planned.wait,
  });
}

const snakeCase = (values: object) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
