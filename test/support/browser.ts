import { type Browser, chromium as browsers, type Page } from 'playwright-core';
import { chromium } from './peers.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a headless Chromium; undefined where there is none. */
export async function startBrowser(flags: readonly string[] = []): Promise<Browser | undefined> {
  if (chromium.path === undefined) return undefined;
  return browsers.launch({ executablePath: chromium.path, args: [...FLAGS, ...flags] });
}

export interface OpenPage {
  readonly page: Page;
  /** What went wrong in it: exceptions, errors on the console, violations of its Content-Security-Policy. */
  readonly errors: string[];
}

/** A page of that width, in light or dark, which has gone nowhere yet. */
export async function newPage(
  browser: Browser,
  width = 1280,
  colorScheme: 'light' | 'dark' = 'light',
): Promise<OpenPage> {
  const page = await browser.newPage({ viewport: { width, height: 720 }, colorScheme });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return { page, errors };
}
