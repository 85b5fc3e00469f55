import { type ColorName, idToUuid, type Subject } from '../health-code.ts';
import type { SqlSession } from '../source/sql.ts';
import { sayChange } from './change.ts';
import type { Output } from './output.ts';
import { findPerson, holdPerson } from './person.ts';
import type { WaitFor } from './wait.ts';

/** `lookup set-color SUBJECT COLOR`: a person's own color. Their areas may hold the answer above it. */
export async function setColor(
  session: SqlSession,
  options: {
    readonly subject: Subject;
    readonly color: ColorName;
    readonly wait?: WaitFor | undefined;
  },
  output: Output,
): Promise<void> {
  const { subject, color } = options;
  const { before, effective } = await session.transaction(async () => {
    const before = await holdPerson(session, subject);
    await session.query('update person set color = $2::text::code_color where subject = $1::uuid', [
      idToUuid(subject),
      color,
    ]);
    const after = await findPerson(session, subject, { lock: false });
    return { before, effective: after?.effective };
  });
  const changed = before.color !== color;
  const answered =
    before.effective === effective
      ? `${effective}, as before`
      : `${before.effective} -> ${effective}`;
  await sayChange(session, output, {
    changed,
    text: changed
      ? `${subject}: own color ${before.color} -> ${color}, answered ${answered}`
      : `${subject}: own color is ${color} already, answered ${answered}`,
    value: {
      subject,
      color: { before: before.color, after: color },
      effective: { before: before.effective ?? null, after: effective ?? null },
    },
    undo: `npx lookup set-color ${subject} ${before.color}`,
    wait: options.wait,
  });
}
