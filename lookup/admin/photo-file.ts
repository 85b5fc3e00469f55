import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { PhotoId } from '../health-code.ts';
import { CommandError } from './output.ts';

/** The source refuses larger ones. */
export const PHOTO_BYTES_MAX = 200_000;

export interface PhotoFile {
  readonly id: PhotoId;
  readonly mime: string;
  readonly bytes: Buffer;
}

export function photoIdOf(bytes: Uint8Array): PhotoId {
  return createHash('sha256').update(bytes).digest().subarray(0, 16).toString('base64url');
}

/** By the first bytes, as the source does it; undefined when it is none that phones and gates show. */
export function photoMimeOf(bytes: Buffer): string | undefined {
  const begins = (hex: string, at = 0) =>
    bytes.subarray(at, at + hex.length / 2).equals(Buffer.from(hex, 'hex'));
  if (begins('ffd8ff')) return 'image/jpeg';
  if (begins('89504e470d0a1a0a')) return 'image/png';
  if (begins('52494646') && begins('57454250', 8)) return 'image/webp';
  return undefined;
}

/** @throws CommandError (2) naming the file and what is wrong with it */
export async function readPhotoFile(path: string): Promise<PhotoFile> {
  const wrong = (what: string) => new CommandError(`${path}: ${what}`, 2);
  const bytes = await readAtMost(path, PHOTO_BYTES_MAX + 1).catch((error) => {
    throw wrong(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  });
  if (bytes.length === 0) throw wrong('is empty');
  if (bytes.length > PHOTO_BYTES_MAX)
    throw wrong(
      `is too large: a photo has at most ${PHOTO_BYTES_MAX.toLocaleString('en-US')} bytes`,
    );
  const mime = photoMimeOf(bytes);
  if (!mime) throw wrong('is neither JPEG, PNG nor WebP, by its first bytes');
  return { id: photoIdOf(bytes), mime, bytes };
}

/** Never the whole of what may be a film. */
async function readAtMost(path: string, bytesMax: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(bytesMax);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, bytesMax - length);
      length += bytesRead;
      if (bytesRead === 0 || length === bytesMax) return buffer.subarray(0, length);
    }
  } finally {
    await file.close();
  }
}
