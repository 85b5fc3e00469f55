// A command's voice that is kept instead of heard.

import type { Output } from '../lookup/admin/output.ts';

export interface KeptOutput extends Output {
  readonly lines: string[];
  readonly notes: string[];
  readonly asked: string[];
  /** The one object of `--json`. */
  readonly value: Record<string, unknown>;
}

export interface KeptOptions {
  readonly asJson?: boolean;
  /** What is said to its questions, in order; then nobody is there to be asked. */
  readonly answers?: boolean[];
  /** Told how far it is. */
  readonly onProgress?: (done: number, total: number) => void;
}

export function keptOutput(options: KeptOptions = {}): KeptOutput {
  const { asJson = false, answers = [], onProgress } = options;
  const lines: string[] = [];
  const notes: string[] = [];
  const asked: string[] = [];
  const values: unknown[] = [];
  return {
    asJson,
    lines,
    notes,
    asked,
    get value() {
      if (values.length !== 1) throw new Error(`${values.length} objects and not one`);
      return values[0] as Record<string, unknown>;
    },
    line: (text) => void (asJson || lines.push(...text.split('\n'))),
    json: (value) => void (asJson && values.push(JSON.parse(JSON.stringify(value)))),
    note: (text) => void notes.push(text),
    async ask(question) {
      asked.push(question);
      return answers.shift() ?? false;
    },
    progress: (_, total) => ({ update: (done) => onProgress?.(done, total), stop() {} }),
  };
}
