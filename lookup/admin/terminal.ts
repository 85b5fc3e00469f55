// The voice of a command at a real terminal, or in a script.

import { createInterface } from 'node:readline/promises';
import progress from 'cli-progress';
import { grouped } from './confirm.ts';
import type { Output, Progress } from './output.ts';

const LINE_EVERY_MS = 10_000;

export interface TerminalStreams {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WritableStream;
  readonly remarks: NodeJS.WriteStream;
}

export const standardStreams = (): TerminalStreams => ({
  input: process.stdin,
  output: process.stdout,
  remarks: process.stderr,
});

export function terminalOutput(asJson: boolean, streams = standardStreams()): Output {
  const { input, output, remarks } = streams;
  const note = (text: string) => void remarks.write(`${text}\n`);
  return {
    asJson,
    line(text) {
      if (!asJson) output.write(`${text}\n`);
    },
    json(value) {
      if (asJson) output.write(`${JSON.stringify(value)}\n`);
    },
    note,
    async ask(question) {
      if (!input.isTTY || !remarks.isTTY) {
        note(question);
        return false;
      }
      const lines = createInterface({ input, output: remarks });
      // Ctrl-C, Ctrl-D or a terminal that goes away is no "yes".
      const gone = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
      // Here the terminal's Ctrl-C reaches readline, not the process.
      lines.once('SIGINT', () => lines.close());
      try {
        const answer = await Promise.race([lines.question(`${question} [y/N] `), gone]);
        return /^y(es)?$/i.test(answer.trim());
      } finally {
        lines.close();
      }
    },
    progress: (what, total) =>
      remarks.isTTY ? bar(what, total, remarks) : lineByLine(what, total, note),
  };
}

function bar(what: string, total: number, stream: NodeJS.WriteStream): Progress {
  const made = new progress.SingleBar({
    stream,
    format:
      total > 0
        ? `${what} {bar} {percentage} %, {value} of {total}, {eta_formatted} left`
        : `${what} {value}`,
    formatValue: (value, options, type) =>
      type === 'value' || type === 'total'
        ? grouped(value)
        : progress.Format.ValueFormat(value, options, type),
    barsize: 30,
    hideCursor: true,
    etaBuffer: 50,
    fps: 5,
  });
  made.start(total, 0);
  return { update: (done) => made.update(done), stop: () => made.stop() };
}

function lineByLine(what: string, total: number, note: (text: string) => void): Progress {
  const begun = performance.now();
  let said = begun;
  return {
    update(done) {
      const now = performance.now();
      if (now - said < LINE_EVERY_MS) return;
      said = now;
      const left = total > 0 && done > 0 ? ((now - begun) * (total - done)) / done : undefined;
      const rest =
        left === undefined ? '' : ` of ${grouped(total)}, ${Math.ceil(left / 1_000)} s left`;
      note(`${what}: ${grouped(done)}${rest}`);
    },
    stop() {},
  };
}
