// lookup warm: fills Redis from the source, beside live changes. What it has written stays; it says how to go on.

import { LostHistoryError, readPage } from '../feed/followed-source.ts';
import { warm as fill } from '../feed/warm.ts';
import { idToUuid, type Subject, uuidToId } from '../health-code.ts';
import type { RedisNodes } from '../redis/nodes.ts';
import { type NodePosition, readMark } from '../redis/records.ts';
import { SLOTS } from '../redis/slots.ts';
import { FIRST_PAGE } from '../source/people.ts';
import { type SqlSession, sqlOf } from '../source/sql.ts';
import { grouped } from './confirm.ts';
import { CommandError, type Output } from './output.ts';
import { withProgress } from './progress.ts';
import { countAfter } from './source-state.ts';

export interface WarmOptions {
  /** From where another run ended; undefined: from the beginning. */
  readonly after: Subject | undefined;
  /** People a second; undefined: as fast as it goes. */
  readonly ratePerS: number | undefined;
  readonly fenceMs: number;
  /** Ends it after the page under way. */
  readonly signal: AbortSignal;
  readonly pagePeople?: number;
}

const TIMEOUT_MS = 1_000;

/** @throws CommandError (1) when nothing can be written yet; (4) when it ends midway, having said how to go on */
export async function warm(
  session: SqlSession,
  nodes: RedisNodes,
  options: WarmOptions,
  output: Output,
): Promise<void> {
  await requireMarks(session, nodes, options.signal);
  const from = options.after === undefined ? FIRST_PAGE : idToUuid(options.after);
  const total = await countAfter(session, from);
  const begun = performance.now();
  let people = 0;
  let next: string | undefined = from;
  try {
    const { written } = await withProgress(output, 'people', total, (onDone) =>
      fill(
        sqlOf(session),
        nodes,
        {
          fenceMs: options.fenceMs,
          after: from,
          ...(options.ratePerS ? { perS: options.ratePerS } : {}),
          ...(options.pagePeople ? { pagePeople: options.pagePeople } : {}),
          onWritten(done, after) {
            people = done;
            next = after;
            onDone(done);
          },
        },
        options.signal,
      ),
    );
    if (next !== undefined) options.signal.throwIfAborted();
    const seconds = (performance.now() - begun) / 1_000;
    output.line(
      `${grouped(people)} people read; ${grouped(written)} were missing or older in Redis, and are there now; ` +
        `${seconds.toFixed(1)} s, ${grouped(Math.round(people / seconds))}/s`,
    );
    output.json({ complete: true, people, written, seconds: round(seconds), continue: null });
  } catch (error) {
    const again = commandAfter(next, options);
    const seconds = (performance.now() - begun) / 1_000;
    output.json({ complete: false, people, seconds: round(seconds), continue: again });
    throw new CommandError(
      `${(error as Error).message}\n${grouped(people)} people lie in Redis; to go on: ${again}`,
      4,
    );
  }
}

const round = (seconds: number) => Math.round(seconds * 1_000) / 1_000;

function commandAfter(next: string | undefined, { ratePerS }: WarmOptions): string {
  const from = next === undefined || next === FIRST_PAGE ? '' : ` --after ${uuidToId(next)}`;
  return `npx lookup warm${from}${ratePerS ? ` --rate ${ratePerS}` : ''}`;
}

/** Records count only on a node whose mark says how far they are, and the relay alone writes marks. */
async function requireMarks(
  session: SqlSession,
  nodes: RedisNodes,
  signal: AbortSignal,
): Promise<void> {
  const held = [...nodes.slotCounts().values()].reduce((sum, slots) => sum + slots, 0);
  if (held < SLOTS)
    throw new CommandError(
      `no node of Redis holds ${grouped(SLOTS - held)} of its ${grouped(SLOTS)} slots`,
      1,
    );
  const marks = new Map<string, NodePosition>();
  for (const node of nodes.masters) {
    const mark = await readMark(node, TIMEOUT_MS).catch((error) => {
      throw new CommandError(`${node.name} (Redis): ${(error as Error).message}`, 1);
    });
    if (!mark)
      throw new CommandError(
        `${node.name} (Redis) has no mark: no relay has led yet, and without one nothing there counts. ` +
          'Start a relay first: npx lookup serve --role relay',
        1,
      );
    marks.set(node.name, mark);
  }
  const reading = readPage(sqlOf(session), marks, FIRST_PAGE, 0, signal);
  const { epoch } = await reading.catch((error) => {
    throw error instanceof LostHistoryError ? new CommandError(error.message, 1) : error;
  });
  for (const [name, mark] of marks)
    if (mark.epoch !== epoch)
      throw new CommandError(
        `${name} (Redis) follows another source, or this one before it lost history: its mark is of epoch ` +
          `${mark.epoch}, the source of ${epoch}. A relay that leads on this source sets it right`,
        1,
      );
}
