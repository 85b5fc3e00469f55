import { expect, it } from 'vitest';
import { firstAnswer } from './first-answer.ts';

const later = <T>() => {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
};
const isAnswer = (said: string) => said !== 'none';
const both = () => {
  const [source, layer] = [later<string>(), later<string | undefined>()];
  return { source, layer, first: firstAnswer(source.promise, [layer.promise], isAnswer) };
};

it('is the first that is one', async () => {
  const a = both();
  a.source.resolve('source');
  expect(await a.first).toBe('source');
  const b = both();
  b.layer.resolve('layer');
  expect(await b.first).toBe('layer');
});

it('is waited for when the other has none, fails, or does not know', async () => {
  const a = both();
  a.source.reject(new Error('refused'));
  a.layer.resolve('layer');
  expect(await a.first).toBe('layer');
  const b = both();
  b.source.resolve('none');
  b.layer.resolve('layer');
  expect(await b.first).toBe('layer');
  const c = both();
  c.layer.resolve(undefined);
  c.source.resolve('source');
  expect(await c.first).toBe('source');
  const d = both();
  d.layer.reject(new Error('gone'));
  d.source.resolve('source');
  expect(await d.first).toBe('source');
});

it('is what the last one said, or its failure, when nobody has one', async () => {
  const a = both();
  a.layer.resolve(undefined);
  a.source.reject(new Error('refused'));
  await expect(a.first).rejects.toThrow('refused');
  const b = both();
  b.source.resolve('none');
  b.layer.resolve('none');
  expect(await b.first).toBe('none');
});

it('costs nothing where nobody is late', () => {
  const { promise } = later<string>();
  expect(firstAnswer(promise, [], isAnswer)).toBe(promise);
});
