import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { importsOf } from '../../../test/support/tree.ts';
import { type SetUp, setUp } from './stand-ins.ts';

describe('the page on the admin address', () => {
  let one: SetUp;
  before(async () => {
    one = setUp({ admin: { bind: '127.0.0.1:0' } });
    await one.start();
  });
  after(() => one.stop());

  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`http://${one.sidecar.addresses.get('admin')}${path}`, { headers });
  const document = () => get('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });

  it('is for browsers; everybody else still gets the paths as JSON', async () => {
    expect((await document()).headers.get('content-type')).to.equal('text/html; charset=utf-8');
    for (const accept of ['*/*', 'application/json', '']) {
      const response = await get('/', { accept });
      expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
      expect(response.headers.get('vary')).to.equal('accept');
      expect(await response.json()).to.have.property('paths');
    }
  });

  it('runs what comes from here alone, and one inline script: the import map, by its hash', async () => {
    const response = await document();
    const html = await response.text();
    const policy = response.headers.get('content-security-policy')!;
    expect(policy).to.include("default-src 'none'").and.include("style-src 'self'").and.include("connect-src 'self'");
    expect(policy).to.include("frame-ancestors 'none'").and.include("base-uri 'none'").and.not.include('unsafe');
    const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>(.*?)<\/script>/gs)].map((match) => match[1]!);
    expect(inline).to.have.length(1);
    expect(policy).to.include(`'sha256-${createHash('sha256').update(inline[0]!).digest('base64')}'`);
    expect(html).to.not.match(/\sstyle=|<style|\son\w+=|https?:\/\/(?!www\.w3\.org)/);
  });

  it('consists of parts that are there, each of its type', async () => {
    const html = await (await document()).text();
    const paths = [...html.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map((match) => match[1]!);
    expect(paths.length).to.be.above(20);
    for (const path of new Set(paths)) {
      const response = await get(path);
      expect([path, response.status]).to.deep.equal([path, 200]);
      const type = path.endsWith('.css') ? 'text/css' : 'text/javascript';
      expect(response.headers.get('content-type')).to.equal(`${type}; charset=utf-8`);
      expect(response.headers.get('x-content-type-options')).to.equal('nosniff');
      expect((await response.text()).length).to.be.above(0);
    }
  });

  it('imports what the map or a relative path finds', async () => {
    const html = await (await document()).text();
    const { imports } = JSON.parse(/<script type="importmap">(.*?)<\/script>/.exec(html)![1]!) as {
      imports: Record<string, string>;
    };
    const modules = [...html.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map((match) => match[1]!);
    for (const path of modules) {
      const text = await (await get(path)).text();
      for (const specifier of importsOf(text)) {
        const found = specifier.startsWith('.') ? new URL(specifier, `http://a${path}`).pathname : imports[specifier];
        expect(modules, `${path} imports ${specifier}`).to.include(found);
      }
    }
  });

  it('is sent once, and asked for with its tag from then on', async () => {
    for (const [path, headers] of [
      ['/', { accept: 'text/html' }],
      ['/page/main.js', {}],
    ] as const) {
      const first = await get(path, headers);
      await first.text();
      expect(first.headers.get('cache-control')).to.equal('no-cache');
      const etag = first.headers.get('etag')!;
      const second = await get(path, { ...headers, 'if-none-match': `"other", W/${etag}` });
      expect([second.status, await second.text(), second.headers.get('etag')]).to.deep.equal([304, '', etag]);
      expect((await get(path, { ...headers, 'if-none-match': '"other"' })).status).to.equal(200);
    }
  });

  for (const path of [
    '/page/',
    '/page/nope.js',
    '/page/../package.json',
    '/page/..%2f..%2fpackage.json',
    '/page//etc/passwd',
  ])
    it(`has no part ${path}`, async () => {
      const [host, port] = one.sidecar.addresses.get('admin')!.split(':') as [string, string];
      const [response] = await once(httpRequest({ host, port, path }).end(), 'response');
      response.resume();
      expect(response.statusCode).to.equal(404);
    });
});
