import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { faintTexts, newPage, startBrowser } from '../support/browser.ts';
import { chromium, itWith } from '../support/peers.ts';
import { endPrograms, type Program, sidecarOn } from '../support/program.ts';
import { Scratch } from '../support/scratch.ts';
import { echoMessages, httpUpstream, type Upstream, webSocketUpstream } from '../support/upstreams.ts';

const VIEWS = ['', 'sessions', 'traces', 'configuration', 'actions'];

describe('the page of a sidecar', function () {
  this.timeout(30_000);
  const scratch = new Scratch();
  const upstreams: Upstream[] = [];
  let program: Program;
  let file: string;
  let url: string;
  let admin: string;
  let browser: Browser | undefined;

  before(async () => {
    browser = await startBrowser();
    if (browser === undefined) return;
    const chat = await webSocketUpstream(echoMessages);
    const web = await httpUpstream((_, response) => void response.end('hello'));
    const frail = () => httpUpstream((_, response) => void response.writeHead(503).end());
    const [one, other] = [await frail(), await frail()];
    upstreams.push(chat, web, one, other);
    file = scratch.write(
      'outrigger.yaml',
      `service: { name: paged }
listeners:
  inbound:
    protocol: http
    bind: "127.0.0.1:0"
    routes:
      - { match: { path: /ws }, cluster: chat }
      - { match: { path: /frail }, cluster: frail }
      - { cluster: web }
clusters:
  chat: { endpoints: ["${chat.address}"] }
  web: { endpoints: ["${web.address}"] }
  frail: { endpoints: ["${one.address}", "${other.address}"], outlier: { gateway: 3, maxEjected: 1 } }
`,
    );
    program = sidecarOn(file);
    url = `127.0.0.1:${await program.port()}`;
    admin = ((await program.logged('ready')) as unknown as { admin: string }).admin;
  });
  after(async () => {
    await browser?.close();
    await endPrograms();
    for (const upstream of upstreams) await upstream.stop();
    scratch.remove();
  });

  async function open(hash = '', width?: number, scheme?: 'light' | 'dark') {
    const opened = await newPage(browser!, width, scheme);
    await opened.page.goto(`http://${admin}/${hash}`);
    await live(opened.page);
    return opened;
  }

  const live = (page: Page) => page.getByRole('banner').getByText('Live', { exact: true }).waitFor();

  async function webSocket(): Promise<WebSocket> {
    const socket = new WebSocket(`ws://${url}/ws`);
    await once(socket, 'open');
    socket.send('ahoy');
    await once(socket, 'message');
    return socket;
  }

  async function request(path: string): Promise<string> {
    return (await fetch(`http://${url}${path}`)).text();
  }

  itWith(chromium, 'shows figures that move', async () => {
    const { page, errors } = await open();
    const figure = (name: string) =>
      page
        .locator('.figure')
        .filter({ has: page.getByText(name, { exact: true }) })
        .locator('.value');
    await figure('State').filter({ hasText: 'ready' }).waitFor();
    const sockets = [await webSocket(), await webSocket()];
    await figure('Open sessions').filter({ hasText: /^2$/ }).waitFor();
    const chat = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'chat', exact: true }) });
    expect(await chat.getByRole('cell').nth(3).textContent()).to.equal('2');
    for (let n = 0; n < 20; n++) await request('/hello');
    await figure('Requests')
      .filter({ hasText: /^[\d.]*[1-9][\d.]*\/s$/ })
      .waitFor();
    await figure('Success').filter({ hasText: '100%' }).waitFor();
    await figure('p99')
      .filter({ hasText: /^[\d.]+ (µs|ms|s)$/ })
      .waitFor();
    await figure('WebSockets').filter({ hasText: /^2$/ }).waitFor();
    const endpoint = page
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: upstreams[1]!.address }) });
    // Weight, in flight, WebSockets, rate, success, and three percentiles; before them its health.
    expect(await endpoint.getByRole('cell').allTextContents()).to.satisfy((cells: string[]) =>
      /^.*\|1\|0\|0\|[\d.]+\/s\|100%(\|[\d.]+ (µs|ms|s)){3}\|/.test(cells.join('|')),
    );
    for (const socket of sockets) socket.terminate();
    await figure('Open sessions').filter({ hasText: /^0$/ }).waitFor();
    expect(errors).to.deep.equal([]);
    await page.close();
  });

  itWith(chromium, 'shows how many messages per second a session has, as /sessions tells', async () => {
    const socket = await webSocket();
    const { page, errors } = await open('#/sessions?kind=websocket');
    await page.getByRole('table').getByRole('link').first().click();
    const figure = page.locator('.figure').filter({ has: page.getByText('To the client', { exact: true }) });
    const talk = setInterval(() => socket.send('ahoy'), 100);
    await figure
      .getByText(/^\d+(\.\d)?\/s$/)
      .filter({ hasText: /[1-9]/ })
      .waitFor();
    const { sessions } = (await (await fetch(`http://${admin}/sessions?kind=websocket`)).json()) as {
      sessions: { messagesPerSecond: { sent: number } }[];
    };
    expect(sessions[0]!.messagesPerSecond.sent).to.be.within(1, 12);
    clearInterval(talk);
    socket.terminate();
    expect(errors).to.deep.equal([]);
    await page.close();
  });

  itWith(chromium, 'ends its stream while it is hidden, and comes back when it is shown', async () => {
    const { page, errors } = await open();
    // A browser without a screen hides no page: this is what it would tell one.
    const turn = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { get: () => ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`,
      );
    const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('/live?'));
    await turn(true);
    expect((await ended).failure()?.errorText).to.equal('net::ERR_ABORTED');
    const sockets = [await webSocket(), await webSocket(), await webSocket()];
    const asked = page.waitForRequest((request) => request.url().includes('/live?'));
    await turn(false);
    await asked;
    const open3 = page.locator('.figure').filter({ has: page.getByText('Open sessions', { exact: true }) });
    await open3.locator('.value').filter({ hasText: /^3$/ }).waitFor();
    expect(await page.getByText(/^Connection lost/).count()).to.equal(0);
    for (const socket of sockets) socket.terminate();
    expect(errors).to.deep.equal([]);
    await page.close();
  });

  itWith(chromium, 'says so where as many follow already as may, and comes in when they have gone', async () => {
    const leaving = new AbortController();
    const follow = () => fetch(`http://${admin}/live?path=/readyz`, { signal: leaving.signal });
    const followed = await Promise.all(Array.from({ length: 100 }, follow));
    expect(new Set(followed.map(({ status }) => status))).to.deep.equal(new Set([200]));
    const { page } = await newPage(browser!);
    await page.goto(`http://${admin}/`);
    await page.getByText(/100 streams are open, as many as there may be: close some/).waitFor();
    leaving.abort();
    await live(page);
    await page.close();
  });

  itWith(chromium, 'closes a session by keyboard alone, and the client sees the code', async () => {
    const socket = await webSocket();
    const closed = once(socket, 'close') as Promise<[number, Buffer]>;
    const { page, errors } = await open('#/sessions');
    const link = page.getByRole('table').getByRole('link').first();
    await link.waitFor();
    await link.focus();
    await page.keyboard.press('Enter');
    const button = page.getByRole('button', { name: 'Close …' });
    await button.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Close this session?' });
    await dialog.waitFor();
    // Escape calls it off, and the focus is where it was.
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Close …');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Code').focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('4001');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('night shift');
    await page.keyboard.press('Enter');
    const [code, reason] = await closed;
    expect([code, String(reason)]).to.deep.equal([4001, 'night shift']);
    await page.getByText('Asked to close: code 4001').waitFor();
    await page.getByText('This session is not open').waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
    expect(errors).to.deep.equal([]);
    await page.close();
  });

  itWith(chromium, 'shows the waterfall of a trace, and what a span knows', async () => {
    await request('/traced?secret=1');
    const { page, errors } = await open('#/traces?path=traced');
    await page.getByRole('table').getByRole('link').first().click();
    const spans = page.getByRole('list', { name: 'Spans' }).getByRole('button');
    await spans.first().waitFor();
    expect(await spans.count()).to.equal(2);
    await spans.nth(1).click();
    expect(await spans.nth(1).getAttribute('aria-pressed')).to.equal('true');
    await page.getByRole('region', { name: 'The selected span' }).getByText('url.full').waitFor();
    const bar = spans.nth(1).locator('rect');
    const [from, width] = [Number(await bar.getAttribute('x')), Number(await bar.getAttribute('width'))];
    expect(from).to.be.within(0, 99);
    expect(from + width).to.be.within(1, 100.5);
    expect(errors).to.deep.equal([]);
    await page.close();
  });

  itWith(chromium, 'tells in words why an endpoint is out', async () => {
    // Of two, who take turns, one may go.
    for (let n = 0; n < 6; n++) await request('/frail');
    const { page, errors } = await open();
    await page.getByText(/^ejected: failed or answered 502, 503 or 504, several times in a row; back at /).waitFor();
    await page.getByText('1 of 2 out').waitFor();
    expect(errors).to.deep.equal([]);
    await page.close();
  });

  itWith(chromium, 'finds a setting, and sorts and filters sessions in its address', async () => {
    const socket = await webSocket();
    const { page, errors } = await open('#/configuration');
    await page.getByLabel('Setting, value or origin').fill('service.name');
    await page.getByRole('cell', { name: 'paged' }).waitFor();
    await page.goto(`http://${admin}/#/sessions?kind=http`);
    await page.getByText('0 of 1 open sessions').waitFor();
    await page.getByLabel('Kind').selectOption('websocket');
    await page.getByText('1 of 1 open sessions').waitFor();
    const age = page.getByRole('columnheader', { name: 'Age', exact: true });
    expect(await age.getAttribute('aria-sort')).to.equal('descending');
    await age.getByRole('button').press('Enter');
    expect(await age.getAttribute('aria-sort')).to.equal('ascending');
    expect(page.url()).to.match(/#\/sessions\?kind=websocket&sort=age$/);
    socket.terminate();
    expect(errors).to.deep.equal([]);
    await page.close();
  });

  itWith(chromium, 'finds room for every view on a phone and on a wall, in light and in dark', async () => {
    const socket = await webSocket();
    await request(`/${'long'.repeat(50)}`);
    const backgrounds = new Set<string>();
    for (const [width, scheme] of [
      [360, 'light'],
      [360, 'dark'],
      [1920, 'dark'],
    ] as const) {
      const { page, errors } = await open('', width, scheme);
      for (const view of VIEWS) {
        await page.evaluate(`location.hash = '#/${view}'`);
        await page.locator('main table').first().waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth'), view).to.equal(width);
      }
      backgrounds.add((await page.evaluate('getComputedStyle(document.body.parentElement).backgroundColor')) as string);
      expect(errors).to.deep.equal([]);
      await page.close();
    }
    expect(backgrounds.size).to.equal(2);
    socket.terminate();
  });

  itWith(chromium, 'asks for the token once, keeps it, and sends it with everything', async () => {
    const guarded = sidecarOn(
      scratch.write(
        'guarded.yaml',
        `admin: { bind: "127.0.0.1:0", token: "correct-horse-battery" }
listeners: { inbound: { protocol: http, bind: "127.0.0.1:0", cluster: web } }
clusters: { web: { endpoints: ["${upstreams[1]!.address}"] } }
plugins: [{ metrics: { sessions: false } }]
`,
      ),
    );
    const address = ((await guarded.logged('ready')) as unknown as { admin: string }).admin;
    const { page } = await newPage(browser!);
    await page.goto(`http://${address}/`);
    const dialog = page.getByRole('dialog', { name: 'This address wants a token' });
    await dialog.getByLabel('admin.token').fill('wrong');
    await page.keyboard.press('Enter');
    await dialog.getByText('That token was not accepted.').waitFor();
    await dialog.getByLabel('admin.token').fill('correct-horse-battery');
    await page.keyboard.press('Enter');
    await live(page);
    await page.getByText('this sidecar has no /overview').waitFor();
    await page.reload();
    await live(page);
    await page.evaluate("location.hash = '#/actions'");
    const [tab] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: '/listeners', exact: true }).click(),
    ]);
    await tab.getByText('"inbound"').waitFor();
    await page.close();
    guarded.kill('SIGTERM');
    await guarded.exit;
  });

  itWith(chromium, 'tells where each value comes from, and on every view why a reload failed', async () => {
    const { page } = await open('#/configuration');
    const row = (name: string) => page.getByRole('row').filter({ has: page.getByText(name, { exact: true }) });
    await row('service.name')
      .filter({ hasText: `${file}:1:18` })
      .waitFor();
    await row('drain.timeout').filter({ hasText: 'default' }).waitFor();
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('gateway: 3', 'gateway: three'));
    program.kill('SIGHUP');
    for (const view of VIEWS) {
      await page.evaluate(`location.hash = '#/${view}'`);
      await page.getByText(/^The reload of \d\d:\d\d:\d\d failed;$/).waitFor();
      await page
        .getByText(/clusters\.frail\.outlier\.gateway/)
        .first()
        .waitFor();
    }
    writeFileSync(file, text);
    program.kill('SIGHUP');
    await page.getByText(/^The reload of/).waitFor({ state: 'detached' });
    await page.close();
  });

  itWith(chromium, 'changes the log level', async () => {
    const { page } = await open('#/actions');
    const level = page.getByLabel(/^Log from this level on/);
    await level.selectOption('debug');
    await page.reload();
    await live(page);
    await page.waitForFunction('document.querySelector("main select").value === "debug"');
    await page.close();
  });

  itWith(
    chromium,
    'is legible: text has a contrast of at least 4.5 (WCAG 2.2, 1.4.3), in light and in dark',
    async () => {
      const socket = await webSocket();
      for (const scheme of ['light', 'dark'] as const) {
        const { page } = await open('', 1280, scheme);
        for (const view of VIEWS) {
          await page.evaluate(`location.hash = '#/${view}'`);
          await page.locator('main table').first().waitFor();
          expect(await page.evaluate(faintTexts), `${view}, ${scheme}`).to.deep.equal([]);
        }
        await page.close();
      }
      socket.terminate();
    },
  );

  // The last one: it ends the sidecar.
  itWith(chromium, 'drains from the page, shows it, and then says when it lost the connection', async () => {
    const socket = await webSocket();
    const closed = once(socket, 'close') as Promise<[number, Buffer]>;
    const { page, errors } = await open('#/actions');
    await page.getByRole('button', { name: 'Drain …' }).click();
    await page.getByLabel(/^1012/).check();
    await page.getByRole('button', { name: 'Drain', exact: true }).click();
    expect((await closed)[0]).to.equal(1012);
    expect(await program.exit).to.deep.equal({ code: 0, signal: null });
    await page.getByText(/^Connection lost; data of \d\d:\d\d:\d\d/).waitFor();
    // That the address is gone is no fault of the page.
    expect(errors.filter((error) => !error.includes('ERR_CONNECTION_REFUSED'))).to.deep.equal([]);
    await page.close();
  });
});
