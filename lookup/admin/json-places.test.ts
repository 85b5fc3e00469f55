import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placesOf } from './json-places.ts';

describe('where things are in JSON', () => {
  test.each([
    ['{"subject":"A","color":"green"', 30, 'torn after a value'],
    ['{"subject":"A', 11, 'torn within a text: where it begins'],
    ['{"subject"', 10, 'torn after a name'],
    ['', 0, 'empty'],
    ['{"a": x}', 6, 'a word that is none'],
    ['{"a": 1 "b": 2}', 8, 'a comma is missing'],
    ['{"a": 1,}', 8, 'a comma too many'],
    ['{"a": [1,]}', 9, 'also in an array'],
    ['{"a": [1}', 8, 'closed by the other bracket'],
    ["{'a': 1}", 1, 'other quotes'],
    ['{"a": 1} {"a": 2}', 9, 'two in a line'],
    ['{"a": 01}', 7, 'a number with a zero too many'],
    ['{"a": "\t"}', 6, 'a bare tab in a text'],
    ['{a: 1}', 1, 'a bare name'],
    ['{1: 1}', 1, 'a number for a name'],
    [']', 0, 'nothing to close'],
  ])('%j has its fault at %i: %s', (text, at) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(placesOf(text).faultAt).toBe(at);
  });

  test('the value of a name is found, of the outermost object only', () => {
    const text = '{"areas": [1, {"photo": 2}], "photo" :  null}';
    const { values, faultAt } = placesOf(text);
    expect([...values]).toEqual([
      ['areas', text.indexOf('[')],
      ['photo', text.indexOf('null')],
    ]);
    expect(faultAt).toBe(text.length);
  });

  test('what JSON.parse takes has no fault, and each value stands where it is said', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, space) => {
        const text = JSON.stringify(object, null, space);
        const { values, faultAt } = placesOf(text);
        expect(faultAt).toBe(text.length);
        expect([...values.keys()].sort()).toEqual(Object.keys(JSON.parse(text)).sort());
        for (const [name, at] of values) {
          const value = JSON.stringify(object[name], null, space);
          expect(text.slice(at).replaceAll('\n ', '\n').slice(0, 1)).toBe(value.slice(0, 1));
        }
      }),
    );
  });

  test('what it refuses has one: before it all is as in some JSON, and it stops there', () => {
    const texts = fc
      .tuple(fc.jsonValue(), fc.nat(), fc.constantFrom('', '}', ']', ',', ':', '"', '1', 'x', '\\'))
      .map(([value, n, put]) => {
        const text = JSON.stringify({ value });
        const at = n % (text.length + 1);
        return text.slice(0, at) + put + text.slice(at + 1);
      });
    fc.assert(
      fc.property(texts, (text) => {
        const { faultAt } = placesOf(text);
        if (faultOf(text) === undefined) expect(faultAt).toBe(text.length);
        // What comes before could still have become JSON, and what stands there is never part of any.
        expect(faultOf(text.slice(0, faultAt)) ?? 'its end').toBe('its end');
        const mayBeTorn = /^["tfn-]/.test(text.slice(faultAt));
        if (faultAt < text.length && !mayBeTorn) expect(faultOf(text)).toBe('before its end');
      }),
    );
  });
});

/** By what JSON.parse says: undefined when there is none. */
function faultOf(text: string): 'its end' | 'before its end' | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    if (/Unexpected end|Unterminated string/.test(message)) return 'its end';
    const at = /at position (\d+)/.exec(message)?.[1];
    return at !== undefined && Number(at) >= text.trimEnd().length ? 'its end' : 'before its end';
  }
}
