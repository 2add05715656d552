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

/** Run in a page: its texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3), each with that contrast. */
export const faintTexts = `(() => {
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const luminance = (color) => {
    const [r, g, b] = color.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    if (element === null) return [255, 255, 255];
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const element = text.parentElement;
    if (text.data.trim() === '' || element.getClientRects().length === 0) continue;
    const below = behind(element);
    const levels = [luminance(over(rgba(getComputedStyle(element).color), below)), luminance(below)].sort((a, b) => b - a);
    const contrast = (levels[0] + 0.05) / (levels[1] + 0.05);
    if (contrast < 4.5) faint.push(text.data.trim() + ': ' + contrast.toFixed(2));
  }
  return faint;
})()`;
