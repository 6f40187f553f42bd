/**
 * Debian's Chromium, driven by playwright-core, which comes with the other runtimes and may not be there yet when the compiler reads
 * this file: hence the few types of its own below.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { hasRuntimes, packageFolder } from '../../runtime/install.js';

const executablePath = '/usr/bin/chromium';

/** Nothing calls its makers. */
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

interface Locator {
  fill(text: string): Promise<void>;
  check(): Promise<void>;
  click(): Promise<void>;
  focus(): Promise<void>;
  allTextContents(): Promise<string[]>;
  textContent(): Promise<string | null>;
  count(): Promise<number>;
}

export interface Page {
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  goto(url: string): Promise<unknown>;
  url(): string;
  locator(selector: string): Locator;
  getByLabel(text: string, options?: { readonly exact: boolean }): Locator;
  getByRole(role: string, options?: { readonly name: string }): Locator;
  /** Runs an expression, or the body of a function that is given as text. */
  evaluate(expression: string): Promise<unknown>;
  emulateMedia(options: { readonly colorScheme: 'light' | 'dark' }): Promise<void>;
  on(event: 'request', take: (request: { url(): string }) => void): void;
  on(event: 'console', take: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', take: (error: Error) => void): void;
  close(): Promise<void>;
}

export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<Browser>;
  };
}

/** Where there is none a suite skips itself, and this has said so; in CI it is a failure. */
export function hasChromium(): boolean {
  if (existsSync(executablePath)) return hasRuntimes();
  const message =
    'NO BROWSER IS TESTED: there is no Chromium here. To install it: sudo test/engines/chromium/install.sh';
  if (process.env['CI'] !== undefined) throw new Error(message);
  process.stderr.write(`${message}\n`);
  return false;
}

/** Requires: `hasChromium()`. */
export async function startChromium(): Promise<Browser> {
  const entry = pathToFileURL(join(packageFolder('playwright-core'), 'index.mjs')).href;
  const { chromium } = (await import(entry)) as Playwright;
  return await chromium.launch({ executablePath, args: flags });
}
