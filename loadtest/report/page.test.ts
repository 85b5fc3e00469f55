// The page in a real browser, from a file: what it shows, how its plots are worked, and what it must never do.

import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../../test/browser.ts';
import { CONTRAST_PROBLEMS } from '../../test/contrast.ts';
import { until } from '../../test/wait.ts';
import { pageOf } from './page.ts';
import type { Result } from './result.ts';
import { sampleResult } from './sample.ts';

const OUT = new URL('../../test-output/', import.meta.url).pathname;
const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 900 }, locale: 'en-US' };
const PHONE: BrowserContextOptions = { ...DESKTOP, viewport: { width: 375, height: 740 } };
/** The last plot of the sample has nothing to draw. */
const DRAWN = sampleResult().plots.length - 1;

let browser: Browser;
let dir: string;
let page: Page;
let problems: string[];
let requests: string[];

beforeAll(async () => {
  browser = await launchChromium();
  dir = await mkdtemp(join(tmpdir(), 'report-page-'));
  mkdirSync(OUT, { recursive: true });
});

afterAll(async () => {
  await browser?.close();
  await rm(dir, { recursive: true, force: true });
});

afterEach(async () => {
  await page.context().close();
});

async function open(result = sampleResult(), before?: Result, options = DESKTOP): Promise<string> {
  const file = join(dir, 'report.html');
  await writeFile(file, pageOf(result, before));
  page = await (await browser.newContext(options)).newPage();
  problems = [];
  requests = [];
  page.on('console', (line) => problems.push(line.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  const url = pathToFileURL(file).href;
  await page.goto(url);
  return url;
}

const plot = (title: string) => page.locator('.plot', { hasText: title });
const over = (title: string) => plot(title).locator('.u-over');
const times = () => page.locator('.plot .at').allTextContents();

/** Run in the page: how many pixels have exactly the color that the style sheet has by this name now. */
const PIXELS = `(title, name) => {
  const figures = [...document.querySelectorAll('.plot')];
  const canvas = figures.find((one) => one.textContent.includes(title)).querySelector('canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const css = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(css.slice(i, i + 2), 16));
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4)
    if (data[i] === r && data[i + 1] === g && data[i + 2] === b) found++;
  return found;
}`;

const pixelsOf = (title: string, color: number) =>
  page.evaluate<number>(`(${PIXELS})(${JSON.stringify(title)}, '--color-${color}')`);

const drawnIn = (title: string, color: number) =>
  until(async () => (await pixelsOf(title, color)) > 30, { what: `a line in color ${color}` });
const goneFrom = (title: string, color: number) =>
  until(async () => (await pixelsOf(title, color)) === 0, { what: `no line in color ${color}` });

async function pointAt(where: Locator, share: number): Promise<{ x: number; y: number }> {
  await where.scrollIntoViewIfNeeded();
  const box = await where.boundingBox();
  if (!box) throw new Error('not on the page');
  const point = { x: box.x + box.width * share, y: box.y + box.height / 2 };
  await page.mouse.move(point.x, point.y);
  return point;
}

test('opens from a file, asks nothing of any network, and draws every plot', async () => {
  const url = await open();
  expect(await page.locator('canvas').count()).toBe(DRAWN);
  for (const { title } of sampleResult().plots.slice(0, DRAWN)) await drawnIn(title, 0);
  expect(await plot('Changes until they are seen').textContent()).toContain('Nothing was measured');
  await page.screenshot({ path: `${OUT}report-desktop.png`, fullPage: true });
  expect(problems).toEqual([]);
  expect(requests).toEqual([url]);
});

test('says first what broke, and what that means', async () => {
  await open();
  expect(await page.locator('.verdict').textContent()).toBe('✗ 2 of 8 budgets broken');
  expect(await page.locator('.names li').allTextContents()).toEqual(['shed', 'http_in_time']);
  await page.locator('.names a', { hasText: 'http_in_time' }).click();
  expect(await page.locator('tr:target').textContent()).toMatch(/http_in_time.*98\.2 %.*✗ broken/s);
  expect(await page.locator('tr:target + .meaning').textContent()).toContain('Phones wait');
  expect(await page.title()).toBe('morning-surge full: 2 of 8 budgets broken');
  expect(await page.locator('.run').textContent()).toContain('0a6adae with uncommitted changes');
});

test('says that all held, and what each budget means on request', async () => {
  const budgets = sampleResult().budgets.map((budget) => ({ ...budget, ok: true }));
  await open(sampleResult({ ok: true, budgets, changed: false }));
  expect(await page.locator('.verdict').textContent()).toBe('✓ every budget held');
  expect(await page.locator('.run').textContent()).not.toContain('uncommitted');
  await page.locator('summary', { hasText: 'shed' }).click();
  await page.getByText('People were sent away').waitFor();
});

test('tells what was said when asked, line by line, and nothing where nothing was', async () => {
  const said = ['the script: wrong: person 7: ["red"]', 'service-1 <b>ended</b>'];
  await open(sampleResult({ said }));
  const lines = page.locator('.said');
  expect(await lines.isVisible()).toBe(false);
  await page.locator('summary', { hasText: '2 lines' }).click();
  expect(await lines.isVisible()).toBe(true);
  expect(await lines.textContent()).toBe(said.join('\n'));
  await page.context().close();
  await open();
  expect(await page.locator('.said').count()).toBe(0);
});

test('a run that failed is never shown as one that held', async () => {
  await open(sampleResult({ ok: false, budgets: [] }));
  expect(await page.locator('.banner.broken .verdict').textContent()).toBe('✗ the run failed');
});

test('shows the run before beside it, where it is comparable', async () => {
  const now = sampleResult();
  const figures = now.figures.map((figure) => ({ ...figure, value: figure.value * 0.7 }));
  await open(now, { ...now, figures, commit: 'd53ab5a', changed: false });
  const row = (name: string) => page.locator('.differences tr', { hasText: name }).textContent();
  expect(await row('gates, 99 %')).toMatch(/9\.61\sms\s*6\.73\sms\s*\+43\s%\s*▼ worse/);
  expect(await row('peak rate')).toMatch(/\+43\s%\s*▲ better/);
  expect(await page.locator('.note').first().textContent()).toContain('d53ab5a');
  await page.context().close();
  await open(now, { ...now, scale: 'short' });
  expect(await page.locator('.differences').count()).toBe(0);
});

test('text of a result stays text, whatever it is', async () => {
  const hostile = `</script><img src=x onerror="document.title='run'">'"&lt;`;
  const whole = JSON.stringify(sampleResult(), (_key, value) =>
    typeof value === 'string' && !/^\d{4}-|^(less|more)$/.test(value) ? hostile : value,
  );
  const settings = { [hostile]: hostile };
  const result = { ...JSON.parse(whole), settings, machine: settings };
  const url = await open(result, { ...result, settings: {}, machine: {} });
  expect(await page.locator('.entry .label').first().textContent()).toBe(hostile);
  expect(await page.locator('h1').textContent()).toBe(hostile);
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.title()).not.toBe('run');
  expect([problems, requests]).toEqual([[], [url]]);
});

test('even markup that got in could run nothing', async () => {
  await open();
  await page.evaluate(
    `document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="document.title=1">')`,
  );
  await until(() => problems.some((line) => line.includes('Content Security Policy')), {
    what: 'the policy in force',
  });
  expect(await page.title()).not.toBe('1');
});

test('a name hides its line and shows it again, by mouse and by keyboard', async () => {
  await open();
  const doors = 'Questions by door';
  const gates = plot(doors).getByRole('button', { name: 'gates' });
  await drawnIn(doors, 1);
  await gates.click();
  expect(await gates.getAttribute('aria-pressed')).toBe('false');
  await goneFrom(doors, 1);
  await drawnIn(doors, 0);
  await drawnIn('Where answers come from', 1);
  await gates.press('Space');
  expect(await gates.getAttribute('aria-pressed')).toBe('true');
  await drawnIn(doors, 1);
});

test('one cursor reads all plots: the time, the phases, each value, and gaps as none', async () => {
  await open();
  const asked = sampleResult().plots[3]?.series[0]?.values[210] as number;
  expect(await plot('What the source').locator('.value').textContent()).toBe('max 402/s');
  await pointAt(over('Questions by door'), 0.5);
  await until(async () => (await times())[0], { what: 'a time' });
  const told = (await times()).slice(0, DRAWN);
  for (const time of told) expect(time).toBe('03:30 · peak · a process is away');
  expect(await plot('What the source').locator('.value').textContent()).toBe(
    `${asked.toFixed(0)}/s`,
  );
  const memory = plot('Memory of the processes').locator('.value');
  expect((await memory.allTextContents()).slice(0, 2)).toEqual(['153\u00a0MB', '–']);
  await page.mouse.move(2, 2);
  await until(async () => (await times()).join('') === '', { what: 'the cursor gone' });
});

test('a drag looks closer, on all plots, and a double click sees all again', async () => {
  await open();
  const left = async () => {
    await pointAt(over('Time to answer'), 0.001);
    return (await times())[0];
  };
  await pointAt(over('Questions by door'), 0.5);
  await page.mouse.down();
  const { x, y } = await pointAt(over('Questions by door'), 0.75);
  await page.mouse.up();
  await until(async () => (await left())?.startsWith('03:30'), { what: 'a closer look' });
  await page.mouse.dblclick(x, y);
  await until(async () => (await left())?.startsWith('00:00'), { what: 'all of it' });
});

test('the keys move through a plot, which is read aloud', async () => {
  await open();
  const slider = over('Questions by door');
  await slider.focus();
  for (const key of ['Home', 'ArrowRight', 'PageUp']) await page.keyboard.press(key);
  await until(async () => (await times())[1]?.startsWith('00:11'), { what: 'the time' });
  expect(await slider.getAttribute('aria-valuetext')).toMatch(
    /^00:11: phones \d+\/s, gates \d+\/s$/,
  );
  await page.keyboard.press('Escape');
  await until(async () => (await times()).join('') === '', { what: 'the cursor gone' });
});

test('light and dark follow the reader, also when that changes, and paper is light', async () => {
  await open();
  const doors = 'Questions by door';
  const look = () => page.evaluate<string>('getComputedStyle(document.body).color');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await drawnIn(doors, 0);
    expect(await page.evaluate(CONTRAST_PROBLEMS)).toEqual([]);
  }
  const dark = await look();
  await page.screenshot({ path: `${OUT}report-dark.png`, fullPage: true });
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  await drawnIn(doors, 0);
  expect(await look()).not.toBe(dark);
  await page.evaluate("dispatchEvent(new Event('afterprint'))");
  await drawnIn(doors, 0);
  expect(await look()).toBe(dark);
  expect(problems).toEqual([]);
});

test('fits a phone without a scroll sideways, and a window that changes', async () => {
  await open(sampleResult(), sampleResult(), PHONE);
  const width = () => page.evaluate<number>('document.documentElement.scrollWidth');
  expect(await width()).toBe(375);
  await page.screenshot({ path: `${OUT}report-phone.png`, fullPage: true });
  const height = () => page.evaluate<number>('document.documentElement.scrollHeight');
  const before = await height();
  await pointAt(over('Where answers come from'), 0.5);
  await until(async () => (await times())[0], { what: 'a time' });
  expect([await width(), await height()]).toEqual([375, before]);
  await page.setViewportSize({ width: 1_100, height: 800 });
  const canvas = plot('Questions by door').locator('canvas');
  await until(async () => ((await canvas.boundingBox())?.width ?? 0) > 400, {
    what: 'wider plots',
  });
  await page.setViewportSize({ width: 375, height: 740 });
  await until(async () => (await width()) === 375, { what: 'narrow again' });
});
