import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { newPage, type OpenPage, startBrowser } from '../support/browser.ts';
import { chromium, itWith } from '../support/peers.ts';
import { endPrograms, outrigger, type Program } from '../support/program.ts';

/** Makes a browser trust the key that is shown there, and no other one. */
async function trusting(url: string): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const key = socket.getPeerX509Certificate()!.publicKey.export({ type: 'spki', format: 'der' });
  socket.destroy();
  return [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`];
}

describe('a browser on the demo', function () {
  this.timeout(30_000);
  let program: Program;
  let url: string;
  let secure: string;
  let browser: Browser | undefined;
  before(async () => {
    if (chromium.path === undefined) return;
    program = outrigger(['demo']);
    [, url] = (await program.until(({ stdout }) => /open (http:\S+\/)/.exec(stdout) ?? undefined)) as unknown as [
      string,
      string,
    ];
    secure = /(https:\S+\/)/.exec(program.stdout)![1]!;
    browser = await startBrowser(await trusting(secure));
  });
  after(async () => {
    await browser?.close();
    await endPrograms();
  });

  /** Opens the demo's page. */
  async function open(width = 1280, colorScheme: 'light' | 'dark' = 'light', address = url): Promise<OpenPage> {
    const { page, errors } = await newPage(browser!, width, colorScheme);
    await page.goto(address);
    await page.locator('#state', { hasText: /^open$/ }).waitFor();
    await page.locator('#instance', { hasText: /^chat-/ }).waitFor();
    return { page, errors };
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.getByLabel('Message').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
  }

  itWith(chromium, 'chats in two pages, served by two instances, through the sidecar', async () => {
    const pages = [await open()];
    const instanceOf = ({ page }: { page: Page }) => page.locator('#instance').textContent();
    // The demo's own client takes its turn, too.
    while (pages.length < 4 && new Set(await Promise.all(pages.map(instanceOf))).size < 2) pages.push(await open());
    const [one, two] = [pages[0]!, pages.at(-1)!];
    expect([await instanceOf(one), await instanceOf(two)].sort()).to.deep.equal(['chat-1', 'chat-2']);
    await say(one.page, 'ahoy from one');
    await two.page.locator('#lines li', { hasText: 'ahoy from one' }).waitFor();
    await say(two.page, 'ahoy from two <b>');
    await one.page.locator('#lines li', { hasText: 'ahoy from two <b>' }).waitFor();
    expect(await one.page.locator('#lines li', { hasText: 'ahoy from one' }).locator('small').textContent()).to.match(
      /^you, through chat-[12], /,
    );
    expect(await one.page.locator('#trip').textContent()).to.match(/^\d+\.\d ms$/);
    await one.page.locator('#event', { hasText: /\d+:\d\d:\d\d/ }).waitFor();
    for (const { page, errors } of pages) {
      expect(errors).to.deep.equal([]);
      await page.close();
    }
  });

  itWith(chromium, 'chats over WSS with one who came without TLS', async () => {
    const one = await open(1280, 'light', secure);
    const two = await open();
    expect(await one.page.evaluate('isSecureContext && location.protocol')).to.equal('https:');
    await say(one.page, 'ahoy over TLS');
    await two.page.locator('#lines li', { hasText: 'ahoy over TLS' }).waitFor();
    await say(two.page, 'ahoy without');
    await one.page.locator('#lines li', { hasText: 'ahoy without' }).waitFor();
    await one.page.locator('#event', { hasText: /\d+:\d\d:\d\d/ }).waitFor();
    for (const { page, errors } of [one, two]) {
      expect(errors).to.deep.equal([]);
      await page.close();
    }
  });

  itWith(chromium, 'finds room for everything on a phone, in light and in dark', async () => {
    const backgrounds = new Set<string>();
    for (const scheme of ['light', 'dark'] as const) {
      const { page, errors } = await open(360, scheme);
      await say(page, `a long word: ${'w'.repeat(120)}`);
      await page.locator('#lines li', { hasText: 'a long word' }).last().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(360);
      expect(await page.getByRole('button', { name: 'Send' }).isVisible()).to.equal(true);
      backgrounds.add((await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string);
      expect(errors).to.deep.equal([]);
      await page.close();
    }
    expect(backgrounds.size).to.equal(2);
  });

  itWith(chromium, 'is told with 1001 that the sidecar goes', async () => {
    const { page } = await open();
    const closed = page.locator('#state', { hasText: 'closed (1001' }).waitFor();
    program.kill('SIGTERM');
    await closed;
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).to.equal(true);
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
  });
});
