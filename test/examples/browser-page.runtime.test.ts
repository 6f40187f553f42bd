/**
 * Strategy: examples/browser-page in Chromium, served as its README says, against a `cairn serve --demo` that is locked and lets the
 * page's origin call.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCairn } from '../docs/cairn-process.js';
import type { CairnProcess } from '../docs/cairn-process.js';
import { hasChromium, startChromium } from '../engines/chromium/chromium.js';
import type { Browser, Page } from '../engines/chromium/chromium.js';
import { serveRepository } from './static-server.js';
import type { StaticServer } from './static-server.js';

const key = 'the-key-of-the-page';
const path = '/examples/browser-page/';

describe.skipIf(!hasChromium())('examples/browser-page', () => {
  let folder: string;
  let files: StaticServer;
  let server: CairnProcess;
  let browser: Browser;
  let page: Page;
  let requested: string[];
  let wrong: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cairn-page-'));
    files = await serveRepository();
    server = await startCairn(folder, ['--demo', '--store', 'file:./store'], {
      CAIRN_API_KEYS: key,
      CAIRN_CORS_ORIGINS: `http://127.0.0.1:${files.port}`,
    });
    await vi.waitUntil(() => server.output().includes('demo collection'), { timeout: 30_000 });
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    files?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    page = await browser.newPage();
    requested = [];
    wrong = [];
    page.on('request', (request) => requested.push(request.url()));
    page.on('pageerror', ({ message }) => wrong.push(message));
    page.on('console', (message) => {
      // Of an answer that is an error the browser itself speaks.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        wrong.push(message.text());
    });
    await open('127.0.0.1');
  });
  afterEach(() => page.close());

  async function open(host: string): Promise<void> {
    await page.goto(`http://${host}:${files.port}${path}`);
    await page.getByLabel('URL').fill(server.url);
  }

  const field = (label: string): ReturnType<Page['getByLabel']> => page.getByLabel(label, { exact: true });

  /** What a status or an alert says once there is something. */
  async function said(selector: '#status' | '#problem'): Promise<string> {
    const text = async (): Promise<string> => (await page.locator(selector).textContent()) ?? '';
    return await vi.waitUntil(
      async () => {
        const found = await text();
        return found !== 'Asking …' && found;
      },
      { timeout: 20_000 },
    );
  }

  async function ask(): Promise<void> {
    await page.getByRole('button', { name: 'Ask' }).click();
  }

  it('answers a question of the documentation, embedded in the browser', async () => {
    await field('API key').fill(key);
    await ask();
    expect(await said('#status')).toBe('5 matches');
    expect(await page.locator('#matches li').count()).toBe(5);
    expect(await page.locator('#matches dl:first-of-type dt').allTextContents()).toEqual(
      expect.arrayContaining(['score', 'source', 'heading', 'text']),
    );
    const [score, ...metadata] = await page.locator('#matches li:first-child dd').allTextContents();
    expect(Number(score)).toBeGreaterThan(0.2);
    expect(metadata.join('\n')).toContain('ARCHITECTURE.md');
    expect(wrong).toEqual([]);
  });

  it('asks with a vector and a filter, and for as many matches as are wanted', async () => {
    await field('API key').fill(key);
    await field('by vector').check();
    expect(await page.locator('#query-label').textContent()).toBe('Vector');
    await field('Vector').fill(JSON.stringify(Array.from({ length: 384 }, (_, n) => Math.sin(n))));
    await field('Filter').fill("source = 'docs/FILTERS.md'");
    await field('Matches wanted').fill('2');
    await ask();
    expect(await said('#status')).toBe('2 matches');
    const sources = await page.locator('#matches h3').allTextContents();
    expect(sources.every((id) => id.startsWith('docs/FILTERS.md#'))).toBe(true);
  });

  it.each<readonly [string, () => Promise<void>, string]>([
    ['no key', () => field('API key').fill(''), '401 Unauthorized (key_required): an API key is required'],
    ['a wrong key', () => field('API key').fill('wrong'), '401 Unauthorized (key_unknown)'],
    ['no such collection', () => field('Collection').fill('a/b'), '400 Bad Request'],
    ['a filter that is none', () => field('Filter').fill('year >> 3'), '400 Bad Request (invalid_filter)'],
  ])('shows what the server says of %s', async (_, change, text) => {
    await field('API key').fill(key);
    await change();
    await ask();
    expect(await said('#problem')).toContain(text);
    expect(await page.locator('#matches li').count()).toBe(0);
    expect(await page.locator('#status').textContent()).toBe('');
  });

  it.each([
    ['[1, 2', 'The vector is not JSON.'],
    ['{"a": 1}', 'not an array of numbers'],
    ['[1, 2, 3]', '400 Bad Request (wrong_dimension)'],
  ])('says what is wrong with the vector %s', async (vector, text) => {
    await field('API key').fill(key);
    await field('by vector').check();
    await field('Vector').fill(vector);
    await ask();
    expect(await said('#problem')).toContain(text);
  });

  it('says how to let it in where its origin may not call', async () => {
    await open('localhost');
    await ask();
    expect(await said('#problem')).toContain(`CAIRN_CORS_ORIGINS have http://localhost:${files.port}`);
  });

  it('keeps the key nowhere', async () => {
    await field('API key').fill(key);
    await ask();
    await said('#status');
    expect(requested.some((url) => url.startsWith(server.url))).toBe(true);
    expect(requested.filter((url) => url.includes(key))).toEqual([]);
    expect(page.url()).toBe(`http://127.0.0.1:${files.port}${path}`);
    const kept = '[localStorage.length, sessionStorage.length, document.cookie, history.length > 2]';
    expect(await page.evaluate(kept)).toEqual([0, 0, '', false]);
    await open('127.0.0.1');
    expect(await page.evaluate('document.getElementById("key").value')).toBe('');
  });

  it('shows what records hold as text, whatever it is', async () => {
    const markup = '<img src=x onerror="window.ran = true"><script>window.ran = true</script>';
    const record = { id: markup, vector: [1, 1], metadata: { [markup]: markup, list: [1, { a: null }] } };
    const call = async (end: string, method: string, body: object): Promise<void> => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const url = `${server.url}/v1/collections/markup${end}`;
      expect((await fetch(url, { method, headers, body: JSON.stringify(body) })).ok).toBe(true);
    };
    await call('', 'PUT', { dimension: 2 });
    await call('/upsert', 'POST', { records: [record] });
    await field('API key').fill(key);
    await field('Collection').fill('markup');
    await field('by vector').check();
    await field('Vector').fill('[1, 0]');
    await field('Filter').fill('');
    await ask();
    expect(await said('#status')).toBe('1 match');
    expect(await page.locator('#matches h3').allTextContents()).toEqual([markup]);
    const shown = await page.locator('#matches dt, #matches dd').allTextContents();
    expect(shown.toSorted()).toEqual(
      ['score', '0.7071', markup, markup, 'list', '[1,{"a":null}]'].toSorted(),
    );
    expect(await page.locator('#matches img, #matches script').count()).toBe(0);
    expect(await page.evaluate('window.ran')).toBeUndefined();
    expect(wrong).toEqual([]);
  });

  it('works from the keyboard alone, and every field has a name', async () => {
    const focused = 'document.activeElement.id || document.activeElement.value';
    await page.goto(`http://127.0.0.1:${files.port}${path}`);
    const visited: unknown[] = [];
    for (let n = 0; n < 8; n++) {
      await page.keyboard.press('Tab');
      visited.push(await page.evaluate(focused));
      // A field that is entered is selected whole.
      if (visited.at(-1) === 'server') await page.keyboard.type(server.url);
      if (visited.at(-1) === 'key') await page.keyboard.type(key);
    }
    expect(visited).toEqual(['server', 'key', 'collection', 'text', 'query', 'filter', 'count', 'ask']);
    await page.keyboard.press('Enter');
    expect(await said('#status')).toBe('5 matches');
    const unnamed =
      '[...document.querySelectorAll("input, textarea")].filter(({ labels }) => labels.length === 0).length';
    expect(await page.evaluate(unnamed)).toBe(0);
  });

  it.each(['light', 'dark'] as const)('can be read in the %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await field('API key').fill('wrong');
    await ask();
    await said('#problem');
    for (const selector of ['h1', '.note', '#problem', 'button', 'input', 'textarea'])
      expect(await page.evaluate(contrastOf(selector)), selector).toBeGreaterThan(4.5);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(23, 25, 28)');
  });
});

/** As WCAG 2 has it: of an element's text to what it stands on. Runs in the page. */
function contrastOf(selector: string): string {
  return `(() => {
    const luminance = (color) => {
      const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((part) => {
        const share = part / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const element = document.querySelector(${JSON.stringify(selector)});
    let ground = element;
    while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
    const [dark, light] = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(luminance).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  })()`;
}
