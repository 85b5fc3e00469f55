// The page in a real browser, before made edges over a real source: what it shows, and what it must never do.

import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium } from '../../test/browser.ts';
import { CONTRAST_PROBLEMS } from '../../test/contrast.ts';
import { until } from '../../test/wait.ts';
import { idToUuid, uuidToId } from '../health-code.ts';
import { noLog } from '../log.ts';
import { type Embedded, openEmbedded } from '../source/embedded.ts';
import { migrate } from '../source/migrate.ts';
import type { SqlSession } from '../source/sql.ts';
import { type DemoPage, type GateAnswer, startDemoPage } from './page-server.ts';
import { demoPerson, PAGE_PEOPLE_COUNT } from './people.ts';
import { seedDemo, seedPhotos } from './seed.ts';

const OUT = new URL('../../test-output/', import.meta.url).pathname;
/** What the made edges do besides answering: set by the tests. */
const mood = { phoneDelayMs: 0, gateDelayMs: 0, staleMs: 0, down: false };

let source: Embedded;
let session: SqlSession;
let edge: Server;
let demo: DemoPage;
let browser: Browser;
let page: Page;
let problems: string[];
let requests: string[];

beforeAll(async () => {
  source = await openEmbedded();
  session = source.session();
  await migrate(session);
  await seedDemo(session, () => {});
  const enough = new AbortController();
  await seedPhotos(session, () => enough.abort(), enough.signal);
  edge = await startMadeEdge();
  demo = await startDemoPage({
    host: '127.0.0.1',
    port: 0,
    httpOrigin: `http://127.0.0.1:${(edge.address() as AddressInfo).port}`,
    mintToken: (subject, audience) =>
      `${audience}.${subject}.`.padEnd(286, '0123456789abcdefXYZ_-'),
    askGate,
    gatePhoto: loadPhoto,
    session,
    log: noLog,
  });
  browser = await launchChromium();
  mkdirSync(OUT, { recursive: true });
}, 90_000);

afterAll(async () => {
  await browser?.close();
  await demo?.close();
  edge?.closeAllConnections();
  edge?.close();
  await source?.close();
});

interface Row {
  color: 'green' | 'yellow' | 'red';
  photo: string | null;
  version: string;
}

const personOf = (token: string, audience: string) => {
  const [door, subject] = token.split('.');
  return door === audience ? subject : undefined;
};

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function look(subject: string): Promise<Row | undefined> {
  const [row] = await session.query<Row>(
    `select greatest(color, (select max(floor) from area where id = any(areas)))::text as color,
      photo_id::text as photo, version::text as version from person where subject = $1::uuid`,
    [idToUuid(subject)],
  );
  return row;
}

async function loadPhoto(id: string) {
  const [row] = await session.query<{ bytes: string }>(
    `select encode(bytes, 'base64') as bytes from photo where id = $1::uuid`,
    [idToUuid(id)],
  );
  return row && { mime: 'image/png', bytes: Buffer.from(row.bytes, 'base64') };
}

function startMadeEdge(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname;
    const photo = path.startsWith('/v1/photo/') && (await loadPhoto(path.slice(10)));
    if (photo) return response.end(photo.bytes);
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const subject = personOf(token, 'lookup-http');
    if (!subject) return response.writeHead(401).end();
    await delay(mood.phoneDelayMs);
    const row = mood.down ? undefined : await look(subject);
    if (!row) return response.writeHead(503, { 'Retry-After': '1' }).end();
    response.setHeader('Content-Type', 'application/json');
    return response.end(
      JSON.stringify({
        color: row.color,
        photo: row.photo && `/v1/photo/${uuidToId(row.photo)}?exp=1&sig=x`,
        as_of: new Date(Date.now() - mood.staleMs).toISOString(),
        ...(mood.staleMs > 2_000 && { stale: true }),
      }),
    );
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function askGate(token: string): Promise<GateAnswer> {
  const subject = personOf(token, 'lookup-gate');
  if (!subject) return { outcome: 'refused', reason: 'wrong door' };
  await delay(mood.gateDelayMs);
  const row = mood.down ? undefined : await look(subject);
  if (!row) return { outcome: 'unavailable', reason: 'source' };
  return {
    outcome: 'found',
    color: row.color,
    photoId: row.photo ? uuidToId(row.photo) : undefined,
    version: Number(row.version),
    asOfMs: Date.now() - mood.staleMs,
    ageMs: mood.staleMs + 12,
    fresh: mood.staleMs <= 2_000,
    layer: 'memory',
  };
}

const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, locale: 'en-US' };
const MOBILE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  locale: 'en-US',
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

async function open(options: BrowserContextOptions = DESKTOP): Promise<void> {
  const context = await browser.newContext(options);
  page = await context.newPage();
  page.on('console', (line) => {
    if (line.type() === 'error') problems.push(line.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(address());
}

const address = () => `http://127.0.0.1:${demo.port}/`;
const text = (id: string) => page.locator(`#${id}`).textContent();

/** Waits until both show this. */
async function bothShow(color: string): Promise<void> {
  for (const side of ['phone', 'gate'])
    await page.locator(`#${side}[data-color="${color}"]`).waitFor({ timeout: 5_000 });
}

async function arrivals(): Promise<number[]> {
  await page.locator('#result[data-state="arrived"]').waitFor({ timeout: 10_000 });
  return Promise.all(
    ['phone', 'gate'].map(async (side) =>
      Number.parseInt((await page.locator(`#bar-${side} output`).textContent()) ?? '', 10),
    ),
  );
}

beforeEach(async () => {
  Object.assign(mood, { phoneDelayMs: 0, gateDelayMs: 0, staleMs: 0, down: false });
  problems = [];
  requests = [];
  await session.query("update area set floor = 'green'");
  for (let i = 0; i < PAGE_PEOPLE_COUNT; i++)
    await session.query('update person set color = $2::text::code_color where subject = $1::uuid', [
      idToUuid(demoPerson(i).subject),
      demoPerson(i).color,
    ]);
});

afterEach(async () => {
  await page?.context().close();
});

describe('the demo page', () => {
  test('tells a color by word, in both languages, and by shape, on phone and gate', async () => {
    await open();
    for (const [person, color, words, shape] of [
      [0, 'green', ['Green code', '绿码'], 'shape-green'],
      [2, 'yellow', ['Yellow code', '黄码'], 'shape-yellow'],
      [3, 'red', ['Red code', '红码'], 'shape-red'],
    ] as const) {
      await page.locator(`#person-${person}`).click();
      await bothShow(color);
      for (const side of ['phone', 'gate']) {
        expect([await text(`${side}-words`), await text(`${side}-other-words`)]).toEqual(words);
        expect(await page.locator(`#${side} .shape use`).getAttribute('href')).toBe(`#${shape}`);
        await page.locator(`#${side}-portrait:visible`).waitFor();
      }
    }
    expect(await text('gate-ruling')).toBe('Closed');
    expect(problems).toEqual([]);
  });

  test('is read by the gate from the pixels of the code', async () => {
    await open();
    await bothShow('green');
    expect(await text('camera-caption')).toBe('Camera: read 286 characters');
    // The gate asks again and again: also, until the phone shows another code, with the one before.
    const { subject } = demoPerson(1);
    const asked = page.waitForRequest(
      (request) =>
        request.url().endsWith('/demo/ask-gate') &&
        (request.postDataJSON() as { token: string }).token.includes(`lookup-gate.${subject}.`),
    );
    await page.locator('#person-1').click();
    await asked;
    expect(requests.filter((url) => !url.startsWith(address()))).toEqual([]);
  });

  test('speaks Chinese to a Chinese browser, and the other language on request', async () => {
    await open({ ...DESKTOP, locale: 'zh-CN' });
    await bothShow('green');
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    expect(await text('phone-words')).toBe('绿码');
    expect(await page.locator('h1').textContent()).toBe('一次更改，两处可见');
    await page.screenshot({ path: `${OUT}demo-zh.png` });
    await page.getByRole('button', { name: 'English' }).click();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await text('phone-words')).toBe('Green code');
    expect(await text('gate-ruling')).toBe('Open');
    expect(await page.locator('[data-text]:text-is("")').count()).toBe(0);
  });

  test('shows a recolored district arrive on both, with the milliseconds that it took', async () => {
    await open();
    await bothShow('green');
    mood.phoneDelayMs = 120;
    mood.gateDelayMs = 20;
    await page.locator('#area-1-red').click();
    const [phone, gate] = (await arrivals()) as [number, number];
    await bothShow('red');
    expect(phone).toBeGreaterThanOrEqual(110);
    expect(gate).toBeGreaterThanOrEqual(15);
    expect(await text('result-title')).toBe('Kite Hill → Red');
    expect(await page.locator('#phone-arrived').textContent()).toBe(`new after ${phone} ms`);
    expect(await page.locator('#spoken').textContent()).toContain(`Phone: ${phone} ms`);
    await page.screenshot({ path: `${OUT}demo-desktop.png` });
    expect(problems).toEqual([]);
  });

  test('shows a recolored person and a replaced photo arrive', async () => {
    await open();
    await bothShow('green');
    await page.locator('#own-yellow').click();
    await arrivals();
    await bothShow('yellow');
    const before = await page.locator('#gate-portrait').getAttribute('src');
    await page.locator('#replace-photo').click();
    await page.locator('#result-title', { hasText: 'A new photo' }).waitFor();
    await arrivals();
    const after = await page.locator('#gate-portrait').getAttribute('src');
    expect(after).not.toBe(before);
    const photo = (after as string).split('/').at(-1) as string;
    expect(await page.locator('#phone-portrait').getAttribute('src')).toContain(photo);
    await page.locator('#gate-portrait:visible').waitFor();
    expect(problems).toEqual([]);
  });

  test('says when a change cannot be seen, instead of a time', async () => {
    await open();
    await page.locator('#person-3').click();
    await bothShow('red');
    await page.locator('#area-5-yellow').click();
    await page.locator('#result[data-state="nothing"]').waitFor();
    expect(await page.locator('#bar-phone output').textContent()).toBe('–');
  });

  test('marks an old answer with its time, and never rules by it', async () => {
    mood.staleMs = 7_000;
    await open();
    await bothShow('green');
    for (const side of ['phone', 'gate'])
      expect(await text(`${side}-stale`)).toMatch(/^Old answer: true as of \d\d:\d\d:\d\d\.\d$/);
    expect(await text('gate-ruling')).toBe('Ask staff');
    await page.screenshot({ path: `${OUT}demo-stale.png` });
    mood.staleMs = 0;
    await page.locator('#phone-stale').waitFor({ state: 'hidden' });
    await page.locator('#gate-stale').waitFor({ state: 'hidden' });
  });

  test('without an answer shows the last one with its time, or no color at all', async () => {
    await open();
    await bothShow('green');
    mood.down = true;
    for (const side of ['phone', 'gate'])
      await page.locator(`#${side}-stale`, { hasText: 'Last one: true as of' }).waitFor();
    await page.locator('#person-1').click();
    await bothShow('none');
    expect(await text('phone-words')).toBe('No answer');
    expect(await text('gate-ruling')).toBe('Ask staff');
  });

  test('is worked by the keyboard, and the focus stays where it was', async () => {
    await open();
    await bothShow('green');
    await page.locator('#own-green').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await arrivals();
    await bothShow('yellow');
    await until(() => page.evaluate("document.activeElement.id === 'own-yellow'"), {
      what: 'focus back on the button',
    });
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
  });

  test('fits a phone, without a scroll sideways and with buttons large enough for a thumb', async () => {
    await open(MOBILE);
    await bothShow('green');
    await page.locator('#own-red').click();
    await arrivals();
    await bothShow('red');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    for (const button of await page.locator('button:visible').all())
      expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(40);
    await page.screenshot({ path: `${OUT}demo-phone.png`, fullPage: true });
    await page.screenshot({ path: `${OUT}demo-phone-first.png` });
  });

  test('keeps text readable: 4.5 to 1 in every color', async () => {
    await open();
    for (const person of [0, 2, 3]) {
      await page.locator(`#person-${person}`).click();
      await bothShow(demoPerson(person).color);
      await page.locator('#phone-arrived').waitFor({ state: 'hidden' });
      let poor: string[] = [];
      const readable = async () => {
        poor = await page.evaluate<string[]>(CONTRAST_PROBLEMS);
        return poor.length === 0;
      };
      // Colors move over for a moment.
      await until(readable, { what: 'contrast' }).catch(() => {});
      expect(poor).toEqual([]);
    }
  });
});

describe("the demo page's server", () => {
  const post = (headers: Record<string, string>) =>
    fetch(`${address()}demo/recolor-person`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ person: 0, color: 'red' }),
    });

  test('takes a change from its own page only', async () => {
    expect((await post({ Origin: 'http://elsewhere.example' })).status).toBe(403);
    expect((await post({ Origin: 'http://127.0.0.1:1' })).status).toBe(403);
    expect((await post({ Origin: 'null' })).status).toBe(403);
    expect((await post({})).status).toBe(403);
    const origin = address().slice(0, -1);
    expect((await post({ Origin: origin, 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await look(demoPerson(0).subject))?.color).toBe('green');
    expect((await post({ Origin: origin })).status).toBe(200);
    expect((await look(demoPerson(0).subject))?.color).toBe('red');
  });

  test('answers to loopback names only, whatever name leads to it', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      import('node:http').then(({ get }) =>
        get(address(), { headers: { Host: 'rebound.example' } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on('error', reject),
      );
    });
    expect(status).toBe(403);
    await expect(
      startDemoPage({ ...({} as Parameters<typeof startDemoPage>[0]), host: '0.0.0.0', port: 0 }),
    ).rejects.toThrow('loopback only');
  });

  test('refuses what no button sends', async () => {
    const origin = address().slice(0, -1);
    const send = (path: string, body: string) =>
      fetch(`${origin}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Origin: origin },
        body,
      }).then(({ status }) => status);
    expect(await send('/demo/recolor-person', '{"person": 9000, "color": "red"}')).toBe(400);
    expect(await send('/demo/recolor-person', '{"person": 0, "color": "blue"}')).toBe(400);
    expect(await send('/demo/recolor-area', '{"person": 0, "area": 17, "color": "red"}')).toBe(400);
    expect(await send('/demo/ask-gate', `{"token": "${'x'.repeat(301)}"}`)).toBe(400);
    expect(await send('/demo/replace-photo', 'nonsense')).toBe(400);
    expect(await send('/demo/replace-photo', `"${'x'.repeat(3_000)}"`)).toBe(413);
    expect(await send('/demo/other', '{}')).toBe(404);
  });

  test('lets a page from nowhere else be loaded, framed or run', async () => {
    const { headers } = await fetch(address());
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
  });
});
