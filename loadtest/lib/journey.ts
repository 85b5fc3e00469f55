// What people and gates do (k6). Who arrives is computed from the number of the iteration; nobody twice, until all have
// been asked. Who comes later (to open again, or at a gate) is found from the shape: whoever had arrived so long ago.

import exec from 'k6/execution';
import type { Changes } from './changes.ts';
import { askCodes, askGate, askLine, type CodeAnswer, fetchPhoto } from './clients.ts';
import { type Asked, count, tell } from './counting.ts';
import { figures } from './figures.ts';
import { lateness } from './lateness.ts';
import './native-ids.ts';
import { orderOf } from './order.ts';
import { photoIdOf } from './photos.ts';
import { hasBytes, subjectAt } from './population.ts';
import { comeBack, type Owed, owesSomebody, whoIsBack } from './returning.ts';
import { settings } from './settings.ts';
import { arrivedBy, type Shape } from './shapes.ts';
import { gateToken, phoneToken } from './tokens.ts';
import { leastOf } from './versions.ts';

const { people, seed, bunch, reopenSeconds, tokensFromMs } = settings;

/** Seconds from opening the phone to the gate that asks. */
const [GATE_LEAST, GATE_MOST] = [2, 8];
/** Questions of one stream, and in one message of it. */
export const LINE_QUESTIONS = 16;
const LINE_PER_MESSAGE = 4;
/** An arrival that is seen to this much after its time was kept waiting by the generator. */
const LATE_SECONDS = 0.1;

export interface JourneyOptions {
  readonly shape: Shape;
  /** What changes meanwhile, if anything does. */
  readonly changes?: Changes;
  /** Of this share of all questions by gates somebody is asked about whom all ask. */
  readonly hot?: { readonly index: number; readonly share: number };
}

export function journeyOf({ shape, changes, hot }: JourneyOptions) {
  const order = orderOf(people, seed);
  const lateBy = lateness();
  let startedMs = 0;
  /** k6 makes a new one at each look; what it tells is of now all the same. */
  let scenario: typeof exec.scenario | undefined;

  const now = () => {
    scenario ??= exec.scenario;
    startedMs ||= scenario.startTime;
    return (Date.now() - startedMs) / 1_000;
  };

  /** Somebody who opened their phone `before` seconds ago. */
  function openedBefore(before: number): number {
    const { count } = arrivedBy(shape, now() - before);
    return order.at(Math.max(0, Math.floor(count) - 1));
  }

  /** All at the same instant. */
  function open(all: readonly Owed[]): void {
    const askedMs = Date.now();
    const phones = all.map(({ index, returns }) => ({
      token: phoneToken(index, subjectAt(index, seed), tokensFromMs || startedMs),
      door: index + returns + Math.floor(askedMs / 7),
    }));
    const answers = askCodes(phones);
    let people = 0;
    for (let i = 0; i < answers.length; i++) {
      if (answered(all[i] as Owed, answers[i] as CodeAnswer, askedMs)) people += 1;
    }
    if (people > 0) figures.peopleAnswered.add(people);
    tell();
  }

  /** @returns whether this is somebody's first answer */
  function answered(who: Owed, answer: CodeAnswer, askedMs: number): boolean {
    const { index, isFirst } = who;
    if (!count(answer, { door: 'http', index, askedMs }, changes)) {
      comeBack(who);
      return false;
    }
    if (!isFirst) return false;
    // Only theirs exist; everyone else's address leads to nothing.
    if (hasBytes(index, seed) && answer.photoUrl) look(answer.photoUrl, index);
    return true;
  }

  function look(url: string, index: number): void {
    const name = url.split('/v1/photo/')[1]?.slice(0, 22);
    const { bytes, tookMs } = fetchPhoto(url);
    figures.photosAsked.add(1);
    if (typeof bytes !== 'string') figures.photoMs.add(tookMs);
    if (bytes === 'shed') figures.photosShed.add(1);
    else if (bytes === 'failed') figures.photosFailed.add(1);
    else if (photoIdOf(bytes) === name) figures.photosAnswered.add(1);
    else {
      figures.photosWrong.add(1);
      console.error(`wrong photo: person ${index}`);
    }
  }

  function thoseWhoAreBack(): void {
    if (!owesSomebody()) return;
    for (const who of whoIsBack()) {
      figures.retried.add(1);
      open([who]);
    }
  }

  /** Whom a gate asks about. */
  const atTheGate = (): number =>
    hot && Math.random() < hot.share
      ? hot.index
      : openedBefore(GATE_LEAST + Math.random() * (GATE_MOST - GATE_LEAST));

  /** What is known of them before they are asked about. */
  const told = (index: number) => ({
    isHot: index === hot?.index,
    versionLeast: leastOf(index),
  });

  return {
    /** Somebody opens their phone in the morning. */
    phone(): void {
      thoseWhoAreBack();
      const at = now();
      const from = (scenario as typeof exec.scenario).iterationInTest * bunch;
      const due = arrivedBy(shape, at);
      figures.generatorLate.add(
        lateBy(due.count - from) > Math.max(2 * bunch, due.rate * LATE_SECONDS),
      );
      const all: Owed[] = [];
      for (let i = from; i < from + bunch; i++)
        all.push({ index: order.at(i), isFirst: i < people, returns: 0 });
      const first = Math.min(bunch, people - from);
      if (first > 0) figures.peopleAsked.add(first);
      open(all);
    },

    /** Somebody opens it again: soon rather than late, as the square of chance. */
    reopen(): void {
      thoseWhoAreBack();
      const longest = Math.min(reopenSeconds, now());
      const all: Owed[] = [];
      for (let i = 0; i < bunch; i++) {
        const index = openedBefore(longest * Math.random() ** 2);
        all.push({ index, isFirst: false, returns: 0 });
      }
      open(all);
    },

    /** A kiosk reads the QR code of somebody who has just opened their phone. */
    gate(): void {
      const index = atTheGate();
      const token = gateToken(index, subjectAt(index, seed), Date.now());
      const asked = { door: 'grpc', index, askedMs: Date.now(), ...told(index) } as const;
      count(askGate({ token }), asked, changes);
      tell();
    },

    /** A line of gates asks about many, by their ids. */
    line(): void {
      const indexes = Array.from({ length: LINE_QUESTIONS }, atTheGate);
      const questions = indexes.map((index) => ({ subject: subjectAt(index, seed) }));
      const askedMs = Date.now();
      const asked = indexes.map(
        (index) => ({ door: 'line', index, askedMs, ...told(index) }) as const,
      );
      let left = LINE_QUESTIONS;
      askLine(questions, LINE_PER_MESSAGE, (i, answer) => {
        count(answer, asked[i] as Asked, changes);
        if (--left === 0) tell();
      });
    },
  };
}
