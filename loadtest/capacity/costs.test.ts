import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BYTES, CPU, costsOf } from './costs.ts';

describe('a file of costs', () => {
  const text = readFileSync(new URL('costs.json', import.meta.url), 'utf8');
  const wrong = (
    change: (file: { us: Record<string, unknown> } & Record<string, unknown>) => void,
  ) => {
    const file = JSON.parse(text);
    change(file);
    return () => costsOf(JSON.stringify(file));
  };

  test('is here, and says of each cost where it comes from', () => {
    const costs = costsOf(text);
    expect(Object.keys(costs.us)).toEqual([...CPU]);
    expect(Object.keys(costs.bytes)).toEqual([...BYTES]);
    expect(costs.us.httpFirstSeen).toBeGreaterThan(costs.us.httpMemory);
  });

  test('is refused when it lacks one, or has one that is none', () => {
    expect(() => costsOf('{')).toThrow('no JSON');
    expect(() => costsOf('null')).toThrow('"format" must be 1');
    expect(wrong((file) => delete file.measured)).toThrow('"measured" must say');
    expect(wrong((file) => delete file.us.photo)).toThrow('"us.photo.value" must be');
    expect(wrong((file) => Object.assign(file.us, { photo: { value: 0 } }))).toThrow('above 0');
    expect(wrong((file) => Object.assign(file.us, { photo: { value: 9 } }))).toThrow('its origin');
    expect(wrong((file) => Object.assign(file.us, { phtoo: {} }))).toThrow('"us.phtoo" is no cost');
  });
});
