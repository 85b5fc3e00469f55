import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  guardSubjects,
  opsOf,
  parseArea,
  parseLifetime,
  parseOps,
  parsePort,
  parseSubject,
} from './arguments.ts';
import { endingOf } from './ending.ts';

const subjects = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));

describe('what is typed', () => {
  test('any subject is taken, however it begins', () => {
    fc.assert(
      fc.property(subjects, (subject) => {
        const [typed] = guardSubjects([subject]);
        expect(typed?.startsWith('-')).toBe(false);
        expect(parseSubject(typed as string)).toBe(subject);
      }),
    );
    expect(guardSubjects([`-${'A'.repeat(21)}`])).toEqual([` -${'A'.repeat(21)}`]);
    expect(guardSubjects(['set-color', '--json', '-h', '-'])).toEqual([
      'set-color',
      '--json',
      '-h',
      '-',
    ]);
  });

  test('and what is no subject is told what one looks like', () => {
    const wrong = ['', 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}B`, `${'A'.repeat(21)}=`];
    for (const text of wrong)
      expect(() => parseSubject(text)).toThrow(
        `"${text}": a subject is 22 characters of base64url`,
      );
  });

  test('a lifetime has its unit', () => {
    expect(['1s', '90s', '15m', '12h', '7d'].map(parseLifetime)).toEqual([
      1, 90, 900, 43_200, 604_800,
    ]);
    for (const text of ['', '0s', '12', 'h', '1.5h', '-1h', '1w', '9999999d'])
      expect(() => parseLifetime(text)).toThrow('90s, 15m, 12h or 7d');
  });

  test('an area and a port are whole numbers', () => {
    expect([parseArea('1'), parseArea('2147483647')]).toEqual([1, 2_147_483_647]);
    for (const text of ['0', '-1', '1.0', '2147483648', 'Kite Hill', ''])
      expect(() => parseArea(text)).toThrow('an area is a whole number');
    expect([parsePort('0'), parsePort('65535')]).toEqual([0, 65_535]);
    for (const text of ['65536', '-1', 'http', '']) expect(() => parsePort(text)).toThrow('a port');
  });

  test('an ops port is asked on this machine when it listens everywhere', () => {
    expect(parseOps('db1:9100')).toBe('http://db1:9100');
    expect(parseOps('https://db1:9100/')).toBe('https://db1:9100');
    for (const text of ['', 'db1:9100/metrics', 'db1:port', 'http://'])
      expect(() => parseOps(text)).toThrow('an ops address is like');
    expect(opsOf({ opsHost: '0.0.0.0', opsPort: 9100 })).toBe('http://127.0.0.1:9100');
    expect(opsOf({ opsHost: '::1', opsPort: 9100 })).toBe('http://[::1]:9100');
    expect(() => opsOf({ opsHost: '::1', opsPort: 0 })).toThrow('--ops');
  });
});

describe('how a command ends', () => {
  test('in one line, and with the stack only when asked', () => {
    const error = new Error('nobody there');
    expect(endingOf(error, { debug: false })).toEqual({ code: 1, lines: ['error: nobody there'] });
    expect(endingOf(error, { debug: true }).lines).toEqual(['error: nobody there', error.stack]);
  });

  test('with something to read, whatever was thrown', () => {
    const both = new AggregateError([new Error('no A'), new Error('no B')]);
    expect(endingOf(both, { debug: false }).lines).toEqual(['error: no A; no B']);
    expect(endingOf('just text', { debug: false }).lines).toEqual(['error: just text']);
    expect(endingOf(new TypeError(), { debug: false }).lines).toEqual(['error: TypeError']);
  });
});
