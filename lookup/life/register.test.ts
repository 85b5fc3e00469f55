import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { reachableAt } from './register.ts';

test('an address is one that others can use', () => {
  expect(reachableAt('10.0.0.7', 9100)).toBe('10.0.0.7:9100');
  expect(reachableAt('::1', 9100)).toBe('[::1]:9100');
  for (const every of ['0.0.0.0', '::']) expect(reachableAt(every, 1)).toBe(`${hostname()}:1`);
});
