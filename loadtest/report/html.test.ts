import { expect, test } from 'vitest';
import { codeInElement, html, jsonInScript } from './html.ts';

const HOSTILE = `</script><img src=x onerror="alert('1')">&amp;`;

test('text becomes text, in elements and in attributes', () => {
  expect(html`<p title="${HOSTILE}">${HOSTILE}</p>`.text).not.toMatch(/<(?!p |\/p)/);
  expect(html`<p title="${`"'`}">`.text).toBe('<p title="&quot;&#39;">');
  expect(html`${'&amp;'}`.text).toBe('&amp;amp;');
});

test('what was made here stays markup, alone and in lists, and false is nothing', () => {
  const items = ['a<', 'b'].map((name) => html`<li>${name}</li>`);
  expect(html`<ul>${items}</ul>${html`<hr>`}${false}${0}`.text).toBe(
    '<ul><li>a&lt;</li><li>b</li></ul><hr>0',
  );
});

test('data in a script cannot end it, and is read as it was', () => {
  const data = { label: HOSTILE, more: '<!-- <script>' };
  const { text } = jsonInScript(data);
  expect(text).not.toContain('<');
  expect(JSON.parse(text)).toEqual(data);
});

test('code that would end its own element is refused', () => {
  expect(codeInElement('if (a < b) c();').text).toBe('if (a < b) c();');
  for (const code of ["'</Script>'", '</style>', '<!-- a'])
    expect(() => codeInElement(code)).toThrow('end its own element');
});
