// What is typed after a command, read or refused: wrong usage, which changes nothing.

import { isId, type Subject } from '../health-code.ts';
import { CommandError } from './output.ts';

const wrong = (text: string, what: string) => new CommandError(`"${text}": ${what}`, 2);

const ID_FORM =
  '22 characters of base64url (A-Z, a-z, 0-9, "-", "_"), the last one A, Q, g or w, as "AAAAAAAAAAAAAAAAAAAAAA"';

/** @throws CommandError (2), as all of these */
export function parseSubject(text: string): Subject {
  if (isId(text.trim())) return text.trim();
  throw wrong(text, `a subject is ${ID_FORM}`);
}

export function parsePhotoId(text: string): string {
  if (isId(text.trim())) return text.trim();
  throw wrong(text, `a photo id is ${ID_FORM}`);
}

export function parseArea(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw wrong(text, 'an area is a whole number from 1 on');
}

export function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw wrong(text, 'a port is a whole number from 0 (a free one) to 65535');
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw wrong(text, 'a count is a whole number from 1 on');
}

/** `--wait`: a time in seconds. */
export function parseSeconds(text: string): number {
  if (/^\d{1,5}(\.\d{1,3})?$/.test(text) && Number(text) > 0) return Number(text);
  throw wrong(text, 'a number of seconds, as "--wait 30"; "--wait" alone stands last');
}

const UNIT_S: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** "90s", "15m", "12h", "7d" -> seconds, at least one */
export function parseLifetime(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_S[unit ?? ''] ?? Number.NaN);
  if (seconds >= 1) return seconds;
  throw wrong(text, 'a lifetime is a number and its unit: 90s, 15m, 12h or 7d');
}

/** An ops port: "http://host:9100", or "host:9100" -> its origin */
export function parseOps(text: string): string {
  try {
    const url = new URL(/^https?:\/\//.test(text) ? text : `http://${text}`);
    if (url.pathname === '/' && url.search === '') return url.origin;
  } catch {
    // Said below.
  }
  throw wrong(text, 'an ops address is like http://127.0.0.1:9100');
}

/** commander takes what begins with "-" for an option, and one subject in 64 does. */
export function guardSubjects(args: readonly string[]): string[] {
  return args.map((text) => (text.startsWith('-') && isId(text) ? ` ${text}` : text));
}

/** A gRPC port: "host:9090". Repeatable. */
export function parseAddressList(text: string, before: readonly string[] = []): string[] {
  const [, port] = /^(?:[^\s:/]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw wrong(text, 'the address of a process is like 127.0.0.1:9090');
  return [...before, text];
}

/** Repeatable. */
export function parseOpsList(text: string, before: readonly string[] = []): string[] {
  return [...before, parseOps(text)];
}

/** Where a process with these settings, on this machine, is asked. */
export function opsOf({ opsHost, opsPort }: { opsHost: string; opsPort: number }): string {
  if (opsPort === 0)
    throw new CommandError('LOOKUP_OPS_PORT is 0, any free port: tell which one with --ops', 2);
  const host = opsHost === '0.0.0.0' || opsHost === '::' ? '127.0.0.1' : opsHost;
  return parseOps(`${host.includes(':') ? `[${host}]` : host}:${opsPort}`);
}
