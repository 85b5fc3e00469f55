// The commands that read people and areas from files, many at once.

import { type Command, Option } from 'commander';
import { parseCount } from './admin/arguments.ts';
import { IMPORT_RATE_PER_S, importPeople } from './admin/import.ts';
import { importAreas } from './admin/import-areas.ts';
import { ERRORS_MAX } from './admin/import-faults.ts';
import { undoFileName } from './admin/import-undo.ts';
import {
  addCommand,
  addWaitOptions,
  type Careful,
  carefully,
  DRY_RUN,
  onSource,
  YES,
} from './commands.ts';

/** What both take. */
interface ImportWords extends Careful {
  readonly format?: 'csv' | 'ndjson';
  readonly errorsMax: number;
  readonly undo?: string;
}

interface PeopleWords extends ImportWords {
  readonly photos?: string;
  readonly revive?: true;
  readonly rate: number;
}

export function addImportCommands(program: Command): void {
  addImport(program, 'import', 'people', 'subject,color,areas,photo (areas as 1|2)')
    .option('--photos <dir>', 'where the files are that the column "photo" names')
    .option('--revive', 'bring erased people back, who else are errors')
    .option(
      '--rate <people>',
      'at most so many a second, unless it is the first load',
      parseCount,
      IMPORT_RATE_PER_S,
    )
    .action((file: string, options: PeopleWords) =>
      onSource(
        options,
        ({ session, output, signal, wait }) =>
          importPeople(
            session,
            {
              ...readingOf('import', file, options),
              photosDir: options.photos,
              revive: options.revive === true,
              ratePerS: options.rate,
              signal,
              wait,
            },
            output,
          ),
        { endsItself: true },
      ),
    );

  addImport(program, 'import-areas', 'areas', 'id,name,floor').action(
    (file: string, options: ImportWords) =>
      onSource(
        options,
        ({ session, output, signal, wait }) =>
          importAreas(
            session,
            { ...readingOf('import-areas', file, options), signal, wait },
            output,
          ),
        { endsItself: true },
      ),
  );
}

function addImport(
  program: Command,
  name: 'import' | 'import-areas',
  what: string,
  header: string,
): Command {
  return addWaitOptions(
    addCommand(program, name, `add and change ${what} from a file: all of them, or none`),
  )
    .argument(
      '<file>',
      `CSV with the header ${header}, or NDJSON with these names; "-": standard input`,
    )
    .addOption(
      new Option('--format <format>', "unless told: by the file's name").choices(['csv', 'ndjson']),
    )
    .option('--errors-max <count>', 'tell at most so many errors', parseCount, ERRORS_MAX)
    .option('--undo <file>', 'a new file, for what brings back what was')
    .addOption(DRY_RUN)
    .addOption(YES);
}

function readingOf(name: 'import' | 'import-areas', file: string, options: ImportWords) {
  return {
    file,
    stdin: process.stdin,
    format: options.format,
    errorsMax: options.errorsMax,
    undoFile: options.undo ?? undoFileName(name, Date.now()),
    ...carefully(options),
  };
}
