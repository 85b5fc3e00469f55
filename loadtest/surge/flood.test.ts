import { expect, test } from 'vitest';
import { groupsOf } from './flood.ts';

const tokens = Array.from({ length: 1_000 }, (_, i) => `token-${i}`);
const urls = ['http://a', 'http://b'];

test('connections begin in groups of five, as many to each process, with the rate in equal parts', () => {
  const groups = groupsOf({ urls, connections: 95, perS: 1_000, seconds: 60 }, tokens);
  expect(groups).toHaveLength(20);
  expect(groups.filter(({ url }) => url === 'http://a')).toHaveLength(10);
  expect(groups.every((group) => group.connections === 5 && group.perS === 50)).toBe(true);
});

test('every token is used by one of them, and each connection has one at least', () => {
  const groups = groupsOf({ urls, connections: 100, perS: 1_000, seconds: 60 }, tokens);
  expect(groups.flatMap((group) => group.tokens).sort()).toEqual([...tokens].sort());
  const few = groupsOf({ urls, connections: 100, perS: 1_000, seconds: 60 }, tokens.slice(0, 29));
  expect(few.map((group) => group.tokens.length >= group.connections)).toEqual([
    ...[true, true, true, true],
  ]);
});

test('who has fewer people than connections of one group to each process is told so', () => {
  expect(() =>
    groupsOf({ urls, connections: 100, perS: 1_000, seconds: 60 }, tokens.slice(0, 9)),
  ).toThrow('9 people are too few to flood 2 processes');
});
