// The file of an import, or standard input, as lines.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandError } from './output.ts';

export type ImportFormat = 'csv' | 'ndjson';

export interface ImportFileOptions {
  /** A path, or "-" for `stdin`. */
  readonly file: string;
  /** Unless told: by the file's name; CSV on standard input. */
  readonly format: ImportFormat | undefined;
  readonly stdin: Readable;
  /** Ends the wait for what has not come yet: its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface ImportFile {
  /** As it stands before a line's number. */
  readonly name: string;
  readonly format: ImportFormat;
  /** 0: not known */
  readonly sizeBytes: number;
  readonly stream: Readable;
  readonly signal: AbortSignal | undefined;
}

/** What is made of one read dies young: with 256 KiB the garbage collector takes a third of all time. */
const READ_BYTES = 32 * 1024;

/** @throws CommandError (2) when it is not there, or nobody says what it is */
export async function openImportFile(options: ImportFileOptions): Promise<ImportFile> {
  const { file, stdin, signal } = options;
  if (file === '-') {
    const format = options.format ?? 'csv';
    return { name: '<stdin>', format, sizeBytes: 0, stream: stdin, signal };
  }
  const format = options.format ?? formatOf(file);
  const wrong = (what: string) => new CommandError(`${file}: ${what}`, 2);
  const found = await stat(file).catch((error) => {
    throw wrong(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  });
  if (found.isDirectory()) throw wrong('is a folder');
  if (!format)
    throw wrong('is it CSV or NDJSON? Its name says neither (.csv, .ndjson, .jsonl): --format');
  return {
    name: file,
    format,
    sizeBytes: found.isFile() ? found.size : 0,
    stream: createReadStream(file, { highWaterMark: READ_BYTES }),
    signal,
  };
}

function formatOf(file: string): ImportFormat | undefined {
  if (/\.csv$/i.test(file)) return 'csv';
  if (/\.(ndjson|jsonl)$/i.test(file)) return 'ndjson';
  return undefined;
}

/** Longer than any row: what follows in such a line is not kept. */
export const LINE_LENGTH_MAX = 65_536;

export interface LineBatch {
  /** The number of the first of them; a file begins with line 1. */
  readonly first: number;
  /** Without their ends, LF or CRLF; one longer than LINE_LENGTH_MAX is cut just above it. */
  readonly lines: readonly string[];
  /** Of the file, up to the end of what was read for this batch. */
  readonly bytesRead: number;
}

/** @throws CommandError (2) when the file is not UTF-8 by its first bytes; (1) when it cannot be read to its end */
export async function* readLines(file: ImportFile): AsyncGenerator<LineBatch> {
  const { name } = file;
  // Takes away a byte order mark, too.
  const decoder = new TextDecoder();
  let first = 1;
  let rest = '';
  let bytesRead = 0;
  for await (const chunk of readable(file)) {
    if (bytesRead === 0 && isUtf16(chunk))
      throw new CommandError(`${name}: is UTF-16, not UTF-8`, 2);
    bytesRead += chunk.length;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() as string).slice(0, LINE_LENGTH_MAX + 2);
    if (lines.length === 0) continue;
    yield { first, lines: lines.map(bare), bytesRead };
    first += lines.length;
  }
  rest += decoder.decode();
  if (rest !== '') yield { first, lines: [bare(rest)], bytesRead };
}

async function* readable({ name, stream, signal }: ImportFile): AsyncGenerator<Buffer> {
  const end = () => stream.destroy();
  signal?.addEventListener('abort', end, { once: true });
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    signal?.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(`${name}: cannot be read to its end (${code ?? message})`, 1);
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

const isUtf16 = (chunk: Buffer) =>
  (chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff);

function bare(line: string): string {
  const end = line.charCodeAt(line.length - 1) === 13 ? line.length - 1 : line.length;
  return line.slice(0, Math.min(end, LINE_LENGTH_MAX + 1));
}
