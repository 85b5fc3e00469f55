// The commands that show and change people and areas, one by one.

import type { Command } from 'commander';
import { parsePhotoId, parseSubject } from './admin/arguments.ts';
import { erase } from './admin/erase.ts';
import { get } from './admin/get.ts';
import { setArea } from './admin/set-area.ts';
import { setColor } from './admin/set-color.ts';
import { newPhotoOf, setPhoto } from './admin/set-photo.ts';
import {
  AREA,
  addCommand,
  addWaitOptions,
  type Careful,
  COLOR,
  carefully,
  DRY_RUN,
  onSource,
  type Spoken,
  SUBJECT,
  type Waiting,
  YES,
} from './commands.ts';
import type { ColorName } from './health-code.ts';

export function addPeopleCommands(program: Command): void {
  addWaitOptions(addCommand(program, 'set-color', "set a person's own color"))
    .addArgument(SUBJECT)
    .addArgument(COLOR)
    .action((subject: string, color: ColorName, options: Waiting) =>
      onSource(options, ({ session, output, wait }) =>
        setColor(session, { subject, color, wait }, output),
      ),
    );

  addWaitOptions(
    addCommand(
      program,
      'set-area',
      'set the floor of an area: the least color of everyone tied to it',
    ),
  )
    .addArgument(AREA)
    .addArgument(COLOR)
    .addOption(DRY_RUN)
    .addOption(YES)
    .action((area: number, color: ColorName, options: Careful) =>
      onSource(options, ({ session, output, wait }) =>
        setArea(session, { area, color, ...carefully(options), wait }, output),
      ),
    );

  addWaitOptions(
    addCommand(program, 'set-photo', "set a person's photo; the one before stays in the source"),
  )
    .addArgument(SUBJECT)
    .argument('[file]', 'JPEG, PNG or WebP of at most 200,000 bytes')
    .option('--id <photo>', 'one that the source has already, by its id', parsePhotoId)
    .option('--none', 'no photo')
    .action((subject: string, file: string | undefined, options: PhotoWords) => {
      const photo = newPhotoOf(file, options);
      return onSource(options, ({ session, output, wait }) =>
        setPhoto(session, { subject, photo, wait }, output),
      );
    });

  addCommand(program, 'get', 'show what the source has of a person')
    .addArgument(SUBJECT)
    .action((subject: string, options: Spoken) =>
      onSource(options, ({ session, output }) => get(session, { subject }, output)),
    );

  addWaitOptions(
    addCommand(program, 'erase', 'erase people, and their photos when nobody else has them'),
  )
    .argument('<subject...>', 'who', (text: string, before: string[] = []) => [
      ...before,
      parseSubject(text),
    ])
    .addOption(YES)
    .action((subjects: string[], options: Careful) =>
      onSource(options, ({ session, output, wait, config: { outboxRetentionMs } }) =>
        erase(session, { subjects, ...carefully(options), outboxRetentionMs, wait }, output),
      ),
    );
}

interface PhotoWords extends Waiting {
  readonly id?: string;
  readonly none?: true;
}
